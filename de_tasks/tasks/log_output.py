"""How the log of an app is shown at a terminal: what is new stands out, and so do errors; of a
traceback, the app's own part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from de_tasks.health.causes import GUNICORN, is_routine
from de_tasks.tasks.facts import line_facts
from de_tasks.terminal import console, style
from de_tasks.terminal.abridged import Abridged, in_its_folder
from de_tasks.terminal.commands import typed

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


@dataclass
class Shown:
    """How lines are printed: as they are, or as `json`; with `timestamps`, and where they are of
    `several` processes, with the name of theirs. At a terminal the build `serving` stands out,
    and the frames of libraries are left out unless the log is shown `whole`."""

    json: bool = False
    timestamps: bool = False
    several: bool = False
    serving: str = ""
    whole: bool = True
    left_out: bool = False
    _abridged: dict[str, Abridged] = field(default_factory=dict)
    _before: set[str] = field(default_factory=set)
    _old: bool = False

    def __call__(self, lines: Sequence[LogLine]) -> None:
        """Print lines; at a terminal with their time, and in colours."""
        if self.json:
            for line in lines:
                console.result_json(line_facts(line))
        elif not style.for_people():
            for line in lines:
                console.result(f"{self._prefix(line)}{line.text}", log=True)
        else:
            self._show_to_people(lines)

    def end(self) -> None:
        """Say what was left out."""
        if self.left_out:
            whole = typed("logs --verbose")
            console.line((f"The frames of libraries are left out. All of it: {whole}", "detail"))

    def _show_to_people(self, lines: Sequence[LogLine]) -> None:
        starts = {
            found[1]: at for at, line in enumerate(lines) if (found := BEGIN.match(line.text))
        }
        # A later build that has failed concerns those who read, as what serves does.
        start = starts.get(self.serving, max(starts.values(), default=0))
        if not self.several:
            self._before |= {_process(line) for line in lines[:start]} - {""}
        for at, line in enumerate(lines):
            if not self._keeps(line):
                self.left_out = True
            else:
                self._show(line, old=not self.several and (at < start or self._is_old(line)))

    def _is_old(self, line: LogLine) -> bool:
        """Whether a process of an earlier build writes this: it serves, and writes, until the new
        ones answer. What follows a line of its own in a traceback is its own, too."""
        if process := _process(line):
            self._old = process in self._before
        elif not (line.text[:1].isspace() or ERROR.search(line.text)):
            self._old = False
        return self._old

    def _keeps(self, line: LogLine) -> bool:
        if self.whole:
            return True
        return self._abridged.setdefault(line.process, Abridged()).keeps(line.text)

    def _prefix(self, line: LogLine) -> str:
        time = f"{line.time[:23]}Z " if self.timestamps and line.time else ""
        return time + (f"{line.process} | " if self.several else "")

    def _show(self, line: LogLine, old: bool) -> None:
        if (build := BEGIN.match(line.text)) and not self.several:
            rule = ("─" if style.has_marks() else "-") * 2
            title = f"{rule} build {build[1]} "
            console.line((f"{title}{rule[0] * (RULE - len(title))}", "detail"), out=True)
            return
        clock = "" if self.timestamps or not line.time else f"{line.time[11:19]} "
        said = clock + self._prefix(line)
        before: tuple[style.Part, ...] = ((said, "detail"),) if said else ()
        console.log_line(before, self._text(line), "detail" if old else _look(line.text))

    def _text(self, line: LogLine) -> str:
        """Without gunicorn's own time, where ours stands, and as paths are in the app's folder."""
        if self.whole:
            return line.text
        if line.time and (said := GUNICORN.match(line.text)):
            return f"[{said[1]}] {said[2]}"
        return in_its_folder(line.text)


def _look(text: str) -> str:
    """An error is red; what gunicorn writes whatever has happened is dim."""
    if is_routine(text):
        return "detail"
    return "failed" if ERROR.search(text) else ""


def _process(line: LogLine) -> str:
    """The number of the process that wrote a line, where gunicorn says it; else empty."""
    found = PROCESS.match(line.text)
    return found[1] if found else ""
