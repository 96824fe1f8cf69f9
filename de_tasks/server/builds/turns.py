"""Who may go on: so many at a time, and fewer of one user, so that nobody has all places."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Turns:
    """Places for `what`, such as `builds`: `most` in all, and `each` of one user at most."""

    def __init__(self, what: str, most: int, each: int) -> None:
        self._what = what
        self._most = most
        self._each = each
        self._busy: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Event]] = []

    @asynccontextmanager
    async def turn(self, user: str, say: Callable[[str], None]) -> AsyncIterator[None]:
        """A place for a user, for the length of the block; `say` hears why it has to wait."""
        waits = (user, asyncio.Event())
        self._waiting.append(waits)
        self._call()
        try:
            if not waits[1].is_set():
                say(f"       {self._reason(user)}")
                await waits[1].wait()
            yield
        finally:
            if waits[1].is_set():
                self._busy[user] -= 1
            else:
                self._waiting.remove(waits)
            self._call()

    def _call(self) -> None:
        for waits in list(self._waiting):
            user, called = waits
            if self._busy.total() < self._most and self._busy[user] < self._each:
                self._busy[user] += 1
                self._waiting.remove(waits)
                called.set()

    def _reason(self, user: str) -> str:
        own = self._busy[user]
        if own >= self._each:
            return f"Waiting: {own} {self._what} of {user} are running, the limit for one user"
        ahead = len(self._waiting) - 1
        behind = f", and {ahead} came before" if ahead else ""
        return f"Waiting: {self._busy.total()} {self._what} are running, the limit{behind}"
