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
from de_tasks.net.http import JITTER, RateLimited
from de_tasks.net.limit_reports import ReportedWindow
from de_tasks.net.shards import Shard

LOCK_SECONDS = 2.0
POLL_SECONDS = 0.002
RECORD = 256
"""Bytes: always as many, so that one write replaces all of an older record."""
LONGEST_WINDOW = 3600.0
SETTLED_SECONDS = 0.3
"""After so long it is worth looking whether the requests of others have been answered."""
ALONE = Shard()
AT_A_TURN = (0.01, 0.05)
"""Seconds of chance where nobody else waits for the same moment, and the turn is soon over."""
ROUNDING = 1.1
"""Seconds by which two reports of the end of one window may differ: headers give whole ones."""


@dataclass(frozen=True)
class Window:
    """What is known of a window. Times are seconds since 1970: other processes read them too.

    `left` is what the server had last, `held` what is reserved and not yet in that number; both
    mean nothing while `limit` is 0, where only `end` is known. `guessed`: the end is not known.
    `used` is what was reserved in this window, whether it is in `left` or not.
    """

    number: int = 0
    limit: int = 0
    left: int = 0
    held: int = 0
    used: int = 0
    window: float = 0.0
    end: float = 0.0
    guessed: bool = False


@dataclass
class Spending:
    """Points that are reserved for an action; `told` is what the server said afterwards."""

    told: ReportedWindow | None = None


class _Early(RateLimited):
    """Points that are not there yet; `unsure` where the server may know better."""

    def __init__(self, seconds: float, unsure: bool, jitter: tuple[float, float] = JITTER) -> None:
        super().__init__(seconds)
        self.unsure = unsure
        self.jitter = jitter


class Budget:
    """The shared budget of one user at one host; of several machines at work, that of a `shard`."""

    def __init__(
        self,
        folder: Path,
        host: str,
        user: str,
        clock: Callable[[], float] = time.time,
        shard: Shard = ALONE,
    ) -> None:
        self._of = (folder, host, user, clock)
        words = (host, user) if shard.alone else (host, user, str(shard))
        key = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
        self._file = folder / "budget" / key
        self._lock = FileLock(f"{self._file}.lock", mode=0o600)
        self._clock = clock
        self._shard = shard

    def of_shard(self, shard: Shard) -> Budget:
        """The budget of one of several machines, which has a file of its own: two of them may be
        jobs on the same machine."""
        return Budget(*self._of, shard)

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
        except _Early as early:
            told = ask() if early.unsure else None
            if told:
                self.learn(told)
            number = self._reserve(points, asked=True)
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

    def ours(self) -> Window:
        """The present window as far as it is this machine's; of its part, what is left."""
        found = self.known()
        if self._shard.alone:
            return found
        share = max(1, self._shard.share(found.limit)) if found.limit else 0
        left = min(found.left, max(0, share - found.used) + found.held)
        return replace(found, limit=share, left=left)

    def known(self) -> Window:
        """The present window, `limit` 0 where the server has told nothing."""
        found = self._change(lambda known, now: known)
        return found or Window()

    def _reserve(self, points: int, asked: bool = False) -> int:
        """Reserve points; returns the number of their window. Raises `_Early`.

        `asked`: what is known is what the server has said just now, if it says anything.
        """
        early: _Early | None = None

        def change(known: Window, now: float) -> Window:
            nonlocal early
            early = self._too_early(known, now, points) or (
                None if self._shard.alone else self._not_ours(known, now, points, asked)
            )
            if early:
                return known
            return replace(known, held=known.held + points, used=known.used + points)

        found = self._change(change)
        if early:
            raise early
        return found.number if found else -1

    def _too_early(self, known: Window, now: float, points: int) -> _Early | None:
        """Why points cannot be had now, as far as is known."""
        # More than a whole window has would never be there: the server decides on it.
        enough = known.limit and known.left - known.held >= min(points, known.limit)
        unsure = 0 < known.end <= now
        if not unsure and (known.end <= now or enough):
            return None
        # What others hold may be counted in `left` already: then there are points for
        # us as soon as they have their answers.
        held = not unsure and known.limit and known.left >= min(points, known.limit)
        end = _latest_end(known) - now
        if held and end > SETTLED_SECONDS:
            return _Early(SETTLED_SECONDS, unsure=False)
        wait = min(LONGEST_WINDOW, end + self._shard.delay(known.window))
        return _Early(wait, unsure=end > SETTLED_SECONDS)

    def _not_ours(self, known: Window, now: float, points: int, asked: bool) -> _Early | None:
        """Why points that may be there are not this machine's now."""
        if not asked and (known.guessed or not known.limit):
            return _Early(0.0, unsure=True)
        left = known.end - now
        if not known.limit or not known.window or left <= 0:
            return None
        shared = self._shard.may_take_its_share(left, known.window)
        if shared and known.used + points <= self._shard.share(known.limit):
            return None
        wait = self._shard.until_turn(left, known.window)
        return None if asked and not wait else _Early(wait, unsure=True, jitter=AT_A_TURN)

    def _settle(self, number: int, points: int, told: ReportedWindow | None, spent: int) -> None:
        def change(known: Window, now: float) -> Window:
            if known.number == number:
                left = known.left if told else max(0, known.left - spent)
                used = known.used if spent else max(0, known.used - points)
                known = replace(known, held=max(0, known.held - points), left=left, used=used)
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
        found = Window(**json.loads(os.read(descriptor, RECORD)))
    except (ValueError, TypeError):
        return Window()
    whole = all(isinstance(value, (int, float)) for value in asdict(found).values())
    return found if whole else Window()


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
    if known.guessed and not told.seconds:
        # Nobody has acted yet in the server's next window, which begins then.
        end = known.end or now + (window or 0.0)
        return replace(known, limit=told.limit, left=told.left, window=window or 0.0, end=end)
    # An answer that was long on its way gives an end that is too late: no window ends later than
    # it was known to, and none begins before the last one has ended.
    running = end > known.end and now < known.end - ROUNDING
    same = known.limit == told.limit and (running or abs(end - known.end) <= ROUNDING)
    if known.guessed or same or end > known.end or newest:
        # Answers may arrive in another order than the server gave them.
        # The first answer of a server is believed.
        older = known.limit and (same or known.guessed) and not newest
        left = min(known.left, told.left) if older else told.left
        used = known.used if same or known.guessed else known.held
        end = min(end, known.end) if same and not known.guessed else end
        known = replace(known, limit=told.limit, left=left, used=used, window=window, end=end)
        return replace(known, guessed=False)
    return known
