"""Points: each action costs some, per user and window, as the reference describes it."""

from __future__ import annotations

import time
from dataclasses import dataclass

READ, WRITE = 1, 5


@dataclass
class _Window:
    begin: float
    used: int = 0


@dataclass(frozen=True)
class Budget:
    """What a user has left in the present window."""

    limit: int
    used: int
    window_ms: int
    ms_before_next: int

    @property
    def remaining(self) -> int:
        """Points that are left."""
        return max(0, self.limit - self.used)


class RateLimit:
    """Fixed windows that begin with a user's first action."""

    def __init__(self, points: int, seconds: int) -> None:
        self._points = points
        self._seconds = seconds
        self._windows: dict[str, _Window] = {}

    def budget(self, username: str) -> Budget:
        """The user's budget at this moment."""
        now = time.monotonic()
        window = self._windows.get(username)
        if window is None or now - window.begin >= self._seconds:
            window = self._windows[username] = _Window(now)
        left = self._seconds - (now - window.begin)
        return Budget(self._points, window.used, self._seconds * 1000, int(left * 1000))

    def take(self, username: str, points: int) -> bool:
        """Charge an action; False, and nothing charged, when it costs more than is left."""
        budget = self.budget(username)
        if points and budget.used + points > budget.limit:
            return False
        self._windows[username].used += points
        return True
