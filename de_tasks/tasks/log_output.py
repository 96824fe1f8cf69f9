"""How the log of an app is shown at a terminal: what is new stands out, and so do errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


def show(lines: Sequence[LogLine]) -> None:
    """Print lines as they are; at a terminal with their time, and in colours."""
    if not style.for_people():
        for line in lines:
            console.result(line.text, log=True)
        return
    newest = max((at for at, line in enumerate(lines) if RELEASE.match(line.text)), default=0)
    for at, line in enumerate(lines):
        _show(line, old=at < newest)


def _show(line: LogLine, old: bool) -> None:
    if release := RELEASE.match(line.text):
        rule = ("─" if style.has_marks() else "-") * 2
        title = f"{rule} {release[1]} "
        console.line((f"{title}{rule[0] * (RULE - len(title))}", "detail"), out=True)
        return
    clock = line.time[11:19]
    before: tuple[style.Part, ...] = ((f"{clock} ", "detail"),) if clock else ()
    if old:
        console.line(*before, (line.text, "detail"), out=True)
    elif ERROR.search(line.text):
        console.line(*before, (line.text, "failed"), out=True)
    else:
        console.log_line(before, line.text)
