"""How the log of an app is shown at a terminal: what is new stands out, and so do errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from de_tasks.terminal import console, style

if TYPE_CHECKING:
    from de_tasks.platform.models import LogLine

BEGIN = re.compile(r"^\[sandbox\] starting (?:build|release) (\d+)$")
"""The line by which the sandbox separates the builds in a process's log."""
PROCESS = re.compile(r"^\[[^\]]+\] \[(\d+)\] ")
"""How gunicorn begins a line: with a time, and the number of the process that writes it."""
ERROR = re.compile(
    r"\[(ERROR|CRITICAL)\]|^(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent call last\)"
    r"|^[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt)\b|^ !     "
)
"""How gunicorn, logging, Python and the build say that something went wrong."""
RULE = 30
"""Columns."""


@dataclass(frozen=True)
class Shown:
    """How lines are printed: as they are, or as `json`; with `timestamps`, and where they are of
    `several` processes, with the name of theirs."""

    json: bool = False
    timestamps: bool = False
    several: bool = False

    def __call__(self, lines: Sequence[LogLine]) -> None:
        """Print lines; at a terminal with their time, and in colours."""
        if self.json:
            for line in lines:
                console.result_json(asdict(line))
        elif not style.for_people():
            for line in lines:
                console.result(f"{self._before(line)}{line.text}", log=True)
        elif self.several:
            for line in lines:
                self._show(line, old=False)
        else:
            begins = [at for at, line in enumerate(lines) if BEGIN.match(line.text)]
            newest = begins[-1] if begins else 0
            before, rest = lines[:newest], lines[newest:]
            known = set(map(_process, before)) - {""}
            # The old processes serve, and write, until the new ones answer.
            for line in (*before, *(line for line in rest if _process(line) in known)):
                self._show(line, old=True)
            for line in rest:
                if _process(line) not in known:
                    self._show(line, old=False)

    def _before(self, line: LogLine) -> str:
        time = f"{line.time[:23]}Z " if self.timestamps and line.time else ""
        return time + (f"{line.process} | " if self.several else "")

    def _show(self, line: LogLine, old: bool) -> None:
        if (build := BEGIN.match(line.text)) and not self.several:
            rule = ("─" if style.has_marks() else "-") * 2
            title = f"{rule} build {build[1]} "
            console.line((f"{title}{rule[0] * (RULE - len(title))}", "detail"), out=True)
            return
        clock = "" if self.timestamps or not line.time else f"{line.time[11:19]} "
        said = clock + self._before(line)
        before: tuple[style.Part, ...] = ((said, "detail"),) if said else ()
        if old:
            console.line(*before, (line.text, "detail"), out=True)
        elif ERROR.search(line.text):
            console.line(*before, (line.text, "failed"), out=True)
        else:
            console.log_line(before, line.text)


def _process(line: LogLine) -> str:
    """The number of the process that wrote a line, where gunicorn says it; else empty."""
    found = PROCESS.match(line.text)
    return found[1] if found else ""
