"""The points of a user at a host, as all processes of this machine know them.

A small file that is locked for each change. Whoever is about to act reserves the points first,
so that processes that run at once pace themselves and are not refused one after the other; what
the server tells with its answers corrects the file. It is advice: a file that is missing,
damaged or not writable lets everybody act, and the server refuses who comes too early.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from de_tasks.errors import NotLoggedIn
from de_tasks.net.http import RateLimited
from de_tasks.net.limit_reports import ReportedWindow

LOCK_SECONDS = 2.0
POLL_SECONDS = 0.002
RECORD = 256
"""Bytes: always as many, so that one write replaces all of an older record."""
LONGEST_WINDOW = 3600.0
SETTLED_SECONDS = 0.3
"""After so long it is worth looking whether the requests of others have been answered."""
ROUNDING = 1.1
"""Seconds by which two reports of the end of one window may differ: headers give whole ones."""


@dataclass(frozen=True)
class Window:
    """What is known of a window. Times are seconds since 1970: other processes read them too.

    `left` is what the server had last, `held` what is reserved and not yet in that number; both
    mean nothing while `limit` is 0, where only `end` is known. `guessed`: the end is not known.
    """

    number: int = 0
    limit: int = 0
    left: int = 0
    held: int = 0
    window: float = 0.0
    end: float = 0.0
    guessed: bool = False


@dataclass
class Spending:
    """Points that are reserved for an action; `told` is what the server said afterwards."""

    told: ReportedWindow | None = None


class Budget:
    """The shared budget of one user at one host."""

    def __init__(
        self, folder: Path, host: str, user: str, clock: Callable[[], float] = time.time
    ) -> None:
        key = hashlib.sha256(f"{host}\0{user}".encode()).hexdigest()[:16]
        self._file = folder / "budget" / key
        self._lock = FileLock(f"{self._file}.lock", mode=0o600)
        self._clock = clock

    @contextmanager
    def spending(
        self, points: int, ask: Callable[[], ReportedWindow | None] = lambda: None
    ) -> Iterator[Spending]:
        """Reserve points for what is done inside.

        Where there are not enough, `ask` may tell more than the file knows. Raises `RateLimited`
        with the seconds until there will be enough.
        """
        spending = Spending()
        if not points:
            yield spending
            return
        try:
            number = self._reserve(points)
        except RateLimited as early:
            told = ask() if early.seconds > SETTLED_SECONDS else None
            if told is None:
                raise
            self.learn(told)
            number = self._reserve(points)
        try:
            yield spending
        except RateLimited as refused:
            self._settle(number, points, None, 0)
            told = ask() if refused.guessed else None
            if told and told.left < points:
                refused = RateLimited(told.seconds)
            self.refused(refused.seconds)
            raise refused from None
        except BaseException as error:
            # Whether what was sent was charged is not known; nobody is charged who is not known.
            uncharged = isinstance(error, NotLoggedIn) or not getattr(error, "sent", True)
            spent = 0 if uncharged else points
            self._settle(number, points, spending.told, spent)
            raise
        self._settle(number, points, spending.told, points)

    def learn(self, told: ReportedWindow) -> None:
        """Take what the server says at this moment."""
        self._change(lambda known, now: _told(known, told, now, newest=True))

    def refused(self, seconds: float) -> None:
        """The server has refused, for so long."""

        def change(known: Window, now: float) -> Window:
            return replace(known, left=0, end=now + seconds, guessed=False)

        self._change(change)

    def known(self) -> Window:
        """The present window, `limit` 0 where the server has told nothing."""
        found = self._change(lambda known, now: known)
        return found or Window()

    def _reserve(self, points: int) -> int:
        """Reserve points; returns the number of their window. Raises `RateLimited`."""
        wait = 0.0

        def change(known: Window, now: float) -> Window:
            nonlocal wait
            # More than a whole window has would never be there: the server decides on it.
            enough = known.limit and known.left - known.held >= min(points, known.limit)
            unsure = 0 < known.end <= now
            if unsure or (known.end > now and not enough):
                # What others hold may be counted in `left` already: then there are points for
                # us as soon as they have their answers.
                held = not unsure and known.limit and known.left >= min(points, known.limit)
                wait = min(SETTLED_SECONDS if held else LONGEST_WINDOW, _latest_end(known) - now)
                return known
            return replace(known, held=known.held + points)

        found = self._change(change)
        if wait:
            raise RateLimited(wait)
        return found.number if found else -1

    def _settle(self, number: int, points: int, told: ReportedWindow | None, spent: int) -> None:
        def change(known: Window, now: float) -> Window:
            if known.number == number:
                left = known.left if told else max(0, known.left - spent)
                known = replace(known, held=max(0, known.held - points), left=left)
            return _told(known, told, now) if told else known

        self._change(change)

    def _change(self, change: Callable[[Window, float], Window]) -> Window | None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._lock.acquire(LOCK_SECONDS, POLL_SECONDS):
                descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    now = self._clock()
                    before = _current(_read(descriptor), now)
                    after = change(before, now)
                    if after != before:
                        text = json.dumps(asdict(after)).ljust(RECORD)
                        # By no other descriptor, and under the lock: Windows has no `pwrite`.
                        os.lseek(descriptor, 0, os.SEEK_SET)
                        os.write(descriptor, text.encode())
                    return after
                finally:
                    os.close(descriptor)
        except (OSError, Timeout):
            return None


def _read(descriptor: int) -> Window:
    try:
        return Window(**json.loads(os.read(descriptor, RECORD)))
    except (ValueError, TypeError):
        return Window()


def _current(known: Window, now: float) -> Window:
    """The window of this moment: the next one, all of it left, when the known one is over."""
    # A clock that was set back must not make anybody wait for long.
    if now < _latest_end(known) <= now + LONGEST_WINDOW:
        return known
    # A window begins with the first action, so its end is later than this if anything.
    end = now + known.window if known.window else 0.0
    return Window(
        number=known.number + 1,
        limit=known.limit,
        left=known.limit,
        held=0,
        window=known.window,
        end=end,
        guessed=True,
    )


def _latest_end(known: Window) -> float:
    """The end of the window; where it is guessed and requests are still on their way, the latest
    that it may be: the server's window begins when the first of them arrives."""
    return known.end + (known.window if known.guessed and known.held else 0.0)


def _told(known: Window, told: ReportedWindow, now: float, newest: bool = False) -> Window:
    end = now + told.seconds
    window = told.window or known.window
    same = known.limit == told.limit and abs(end - known.end) <= ROUNDING
    if known.guessed or same or end > known.end or newest:
        # Answers may arrive in another order than the server gave them.
        # The first answer of a server is believed.
        older = known.limit and (same or known.guessed) and not newest
        left = min(known.left, told.left) if older else told.left
        end = min(end, known.end) if same and not known.guessed else end
        return replace(known, limit=told.limit, left=left, window=window, end=end, guessed=False)
    return known
