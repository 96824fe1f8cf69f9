"""How the log of an app is shown at a terminal: what is new stands out, and so do errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from de_tasks.terminal import console, style

if TYPE_CHECKING:
    from de_tasks.platform.models import LogLine

RELEASE = re.compile(r"^\[sandbox\] starting (release \d+)$")
"""The line by which the sandbox separates the releases in a process's log."""
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
        elif style.for_people():
            begins = [at for at, line in enumerate(lines) if RELEASE.match(line.text)]
            newest = begins[-1] if begins else 0
            for at, line in enumerate(lines):
                self._show(line, old=at < newest and not self.several)
        else:
            for line in lines:
                console.result(f"{self._before(line)}{line.text}", log=True)

    def _before(self, line: LogLine) -> str:
        time = f"{line.time[:23]}Z " if self.timestamps and line.time else ""
        return time + (f"{line.process} | " if self.several else "")

    def _show(self, line: LogLine, old: bool) -> None:
        if (release := RELEASE.match(line.text)) and not self.several:
            rule = ("─" if style.has_marks() else "-") * 2
            title = f"{rule} {release[1]} "
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
