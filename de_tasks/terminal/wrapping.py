"""Sentences broken between words at the terminal's width; commands and addresses stay whole.

A terminal breaks a line in the middle of a word. Who copies a command must get all of it, so that
one that is longer than a line is left to the terminal.
"""

from __future__ import annotations

import re
import shutil

from de_tasks.terminal.commands import named_in

LEAST = 20
"""Columns: in less nothing can be read, and nothing is broken."""
HANGING = re.compile(r" {2}[a-z]+ {2,}|\s*(?:(?:ok|failed|[✓✗!●▶*>-]) +)?")
"""What the lines below the first one are indented by: as far as its mark or its heading goes."""
SPACE = re.compile(r"(?<=\S) +")


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size().columns


def wrapped(text: str, columns: int) -> str:
    """A text whose lines are at most so long, where its words allow that."""
    places = breaks(text, columns)
    return "".join(places.get(at, character) for at, character in enumerate(text))


def breaks(text: str, columns: int) -> dict[int, str]:
    """What stands in the place of some spaces, by their places in the text."""
    found: dict[int, str] = {}
    if columns < LEAST or all(len(line) <= columns for line in text.split("\n")):
        return found
    kept = text
    for command in named_in(text):
        kept = kept.replace(command, command.replace(" ", "\0"))
    start = 0
    for line in kept.split("\n"):
        if len(line) > columns:
            found |= _of_line(line, start, columns)
        start += len(line) + 1
    return found


def _of_line(line: str, start: int, columns: int) -> dict[int, str]:
    hanging = HANGING.match(line)
    indent = len(hanging[0]) if hanging else 0
    if indent > columns * 2 // 3:
        indent = 0
    found: dict[int, str] = {}
    spaces = [space for space in SPACE.finditer(line) if space.start() >= indent]
    ends = [*(space.start() for space in spaces[1:]), len(line)]
    # The first column of the present line would stand here if it began with the line.
    origin = 0
    for space, end in zip(spaces, ends, strict=True):
        if end - origin > columns:
            found |= dict.fromkeys(range(start + space.start(), start + space.end()), "")
            found[start + space.start()] = "\n" + " " * indent
            origin = space.end() - indent
    return found
