"""Attempts to guess: slowed down per user and per address, whatever door they come to."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from de_tasks.server.errors import TryLater

REMEMBERED = 10_000
"""Names and addresses; a flood of made-up names pushes out the oldest ones only."""


class TooManyAttempts(TryLater):
    """Too many wrong passwords or codes; `seconds` until the next try."""

    def __init__(self, seconds: float) -> None:
        whole = max(1, round(seconds))
        super().__init__(f"Too many failed attempts. Try again in {whole} s.", whole)


class Throttle:
    """Counts failures of a window. A success forgets those of its user, not of its address:
    who has an account of their own must not get to guess another's with it."""

    def __init__(
        self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = {"user": failures, "address": 5 * failures}
        self._seconds = seconds
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def check(self, user: str, address: str) -> None:
        """Raise `TooManyAttempts` when this user or address has failed too often of late."""
        now = self._clock()
        for kind, name in (("user", user), ("address", address)):
            times = self._recent((kind, name), now)
            if len(times) >= self._limits[kind]:
                raise TooManyAttempts(times[0] + self._seconds - now)

    def locked(self, user: str) -> bool:
        """Whether this user has failed too often of late."""
        return len(self._recent(("user", user), self._clock())) >= self._limits["user"]

    def failed(self, user: str, address: str) -> None:
        """Count a failure."""
        now = self._clock()
        for key in (("user", user), ("address", address)):
            self._failed[key] = [*self._recent(key, now), now][-self._limits[key[0]] :]
            self._failed.move_to_end(key)
        while len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, user: str) -> None:
        """The user has shown to be themselves."""
        self._failed.pop(("user", user), None)

    def _recent(self, key: tuple[str, str], now: float) -> list[float]:
        return [t for t in self._failed.get(key, ()) if now - t < self._seconds]
