"""Points: each action costs some, per user and window, as the reference describes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

READ, WRITE = 1, 5


@dataclass
class _Window:
    """A user's window, empty before the first action; the totals go on in the next ones."""

    begin: float
    used: int = 0
    spent: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Budget:
    """What a user has left in the present window, and all that was spent and refused so far."""

    limit: int
    used: int
    window_ms: int
    ms_before_next: int
    spent: int = 0
    refused: int = 0

    @property
    def remaining(self) -> int:
        """Points that are left."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """Response headers (draft-ietf-httpapi-ratelimit-headers-07)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(-(-self.ms_before_next // 1000)),
            "RateLimit-Policy": f"{self.limit};w={self.window_ms // 1000}",
        }

    def retry_after(self) -> dict[str, str]:
        """The header for a refusal."""
        return {"Retry-After": str(-(-self.ms_before_next // 1000)), **self.headers()}


class RateLimit:
    """Fixed windows that begin with a user's first action."""

    def __init__(
        self, points: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._points = points
        self._seconds = seconds
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def budget(self, username: str) -> Budget:
        """The user's budget at this moment; looking at it begins no window."""
        now = self._clock()
        window = self._windows.get(username) or _Window(now)
        left = window.begin + self._seconds - now if window.used else 0.0
        used = window.used if left > 0 else 0
        return Budget(
            limit=self._points,
            used=used,
            window_ms=self._seconds * 1000,
            # Rounded up: who comes back after so many is not too early.
            ms_before_next=max(0, -int(-left * 1000 // 1)),
            spent=window.spent,
            refused=window.refused,
        )

    def take(self, username: str, points: int) -> bool:
        """Charge an action; False, and nothing charged, when it costs more than is left."""
        if not points:
            return True
        budget = self.budget(username)
        window = self._windows.setdefault(username, _Window(0.0))
        if points > budget.remaining:
            window.refused += 1
            return False
        if not budget.used:
            window.begin, window.used = self._clock(), 0
        window.used += points
        window.spent += points
        return True
