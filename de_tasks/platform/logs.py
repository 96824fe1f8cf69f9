"""The log of a build, or of processes: from some time on, and as it goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from de_tasks.errors import NotAvailable, NotFound, UsageError
from de_tasks.platform.connect import missing
from de_tasks.platform.models import FINISHED, App, LogLine
from de_tasks.platform.protocol import Platform
from de_tasks.terminal.proposals import did_you_mean

MOST_HELD = 30
"""Seconds that the server may hold a request for new lines back."""
BUILD_HELD = 5
GAP = 5.0
"""Seconds between two requests of a log that is followed: at most 12 points a minute."""
MOST = 1000
"""Lines of a request, where it is not said how many."""
LOOKS = 6
"""Rounds of requests after which new processes are looked for."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
OLDEST = 100 * 365 * 86400
"""Seconds: no log is older, and a date has its limits."""


@dataclass
class Wanted:
    """Which lines: the last `count` of each log, None for as many as `since` asks for; `since` is
    a time of the API, or empty."""

    count: int | None = None
    since: str = ""

    @property
    def asked(self) -> int:
        """How many lines to ask for: one more than is shown tells whether there are more."""
        return (self.count or MOST) + 1

    def chosen(self, lines: Sequence[LogLine]) -> tuple[list[LogLine], bool]:
        """The lines that are wanted, and whether the count has cut off others that are."""
        if self.since and any(not line.time for line in lines):
            raise NotAvailable("Through this connection a log has no times: leave out --since")
        new = [line for line in lines if line.time >= self.since]
        return new[-(self.asked - 1) :], len(new) == self.asked


@dataclass
class BuildLog:
    """The log of the newest build of an app."""

    platform: Platform
    host: str
    name: str
    wanted: Wanted
    cut: bool = False
    ended: bool = False
    _next: str = ""

    def read(self) -> list[LogLine]:
        """What there is; the next time what is new, when it is there or a while has passed."""
        if self._next:
            found = self.platform.build(self.name, self._next, BUILD_HELD, MOST)
        else:
            found = self.platform.build(self.name, count=self.wanted.asked)
        if found is None:
            raise missing(self.name, self.host)
        lines = list(found.log.lines)
        if not self._next:
            lines, self.cut = self.wanted.chosen(lines)
        self._next, self.ended = found.log.next, found.status in FINISHED
        return lines


@dataclass
class ProcessLogs:
    """The logs of processes of an app, merged by time; of `all` of them those that come, too."""

    platform: Platform
    host: str
    name: str
    processes: Sequence[str]
    wanted: Wanted
    all: bool = False
    cut: bool = False
    ended: bool = False
    _next: dict[str, str] = field(default_factory=dict)
    _rounds: int = 0

    def read(self) -> list[LogLine]:
        """What there is; the next time what is new, when it is there or a while has passed."""
        self._rounds += 1
        before = self.processes
        if self.all and self._rounds % LOOKS == 0:
            self._look()
        # What has left the Procfile is read once more: it may have said why.
        processes = dict.fromkeys((*before, *self.processes))
        # Held back by one that is silent, the others would come late.
        held = MOST_HELD if self._next and len(self.processes) == 1 else 0
        found = [line for process in processes for line in self._of(process, held)]
        return sorted(found, key=lambda line: line.time)

    def _of(self, process: str, held: int) -> Sequence[LogLine]:
        after = self._next.get(process)
        count = self.wanted.asked if after is None else MOST
        page = self.platform.runtime_log(self.name, process, count, after, held)
        if page is None:
            raise missing(self.name, self.host)
        self._next[process] = page.next
        if after is not None:
            return page.lines
        lines, cut = self.wanted.chosen(page.lines)
        self.cut = self.cut or cut
        return lines

    def _look(self) -> None:
        app = self.platform.app(self.name)
        if app is None:
            raise missing(self.name, self.host)
        self.processes = app.processes or self.processes


def followed(log: BuildLog | ProcessLogs) -> Iterator[list[LogLine]]:
    """Its lines as they come, until it has ended."""
    first = True
    while True:
        asked = time.monotonic()
        yield log.read()
        if log.ended:
            return
        number = len(log.processes) if isinstance(log, ProcessLogs) else 1
        if not first:
            time.sleep(max(0.0, GAP * max(1.0, number / 2) - (time.monotonic() - asked)))
        first = False


def caveats(
    lines: Sequence[LogLine],
    app: App,
    all: bool = False,
    several: bool = False,
    times: bool = False,
) -> list[str]:
    """What was asked for and this way to the server cannot tell, in sentences.

    `all` processes, `several` of them, the `times` of lines.
    """
    way, found = "This way to the server does not tell", []
    if all and not app.processes:
        found.append(f"{way} which processes the app has: this is the log of web alone.")
    timeless = any(not line.time for line in lines)
    if times and timeless:
        found.append(f"{way} when a line was written: there are no timestamps.")
    if several and timeless:
        found.append(f"{way} when a line was written: the logs are not merged by time.")
    return found


def chosen(app: App, named: Sequence[str]) -> Sequence[str]:
    """The processes that are named, once each. Raises `NotFound` for one that the app lacks."""
    for name in named:
        if app.processes and name not in app.processes:
            meant, has = did_you_mean(name, app.processes), ", ".join(app.processes)
            raise NotFound(f"App {app.name} has no process {name!r}.{meant} It has: {has}.")
    return tuple(dict.fromkeys(named))


def since(text: str, now: datetime | None = None) -> str:
    """A time such as `10m` (ago: s, m, h, d) or one of ISO 8601, as the API writes it.

    Without a zone it is UTC, as in what is printed. Raises `UsageError` for what is neither.
    """
    if ago := re.fullmatch(r"(\d{1,9})([smhd])", text.strip()):
        age = timedelta(seconds=min(int(ago[1]) * UNITS[ago[2]], OLDEST))
        then = (now or datetime.now(timezone.utc)) - age
    else:
        try:
            then = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
        except ValueError:
            raise UsageError(
                f"--since is how long ago (30s, 10m, 2h, 1d) or a time such as "
                f"2026-01-31T14:00, not {text!r}."
            ) from None
    try:
        utc = then.astimezone(timezone.utc) if then.tzinfo else then
    except OverflowError:
        # A zone can lead out of the calendar.
        utc = datetime.min if then.year == 1 else datetime.max
    # Not by `strftime`, which on some systems writes fewer than four digits of an early year.
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds")
