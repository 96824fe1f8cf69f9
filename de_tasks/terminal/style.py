"""How a line looks to a person at a terminal: sixteen ANSI colours, and marks.

Nothing of it reaches a pipe, a terminal that is `dumb`, or the log of a CI; `NO_COLOR` and
`FORCE_COLOR` count as everywhere (no-color.org, force-color.org).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from de_tasks.config import environment
from de_tasks.config.system import takes_colours
from de_tasks.terminal.text import readable

if TYPE_CHECKING:
    from typing import TextIO

Part = str | tuple[str, str]
"""A piece of a line: text, or text and the name of its style."""
CODES = {"done": "32", "failed": "31", "look": "33", "detail": "2", "name": "1"}
"""ECMA-48's SGR of each style: green, red, yellow, dim, bold."""
MARKS = {"done": "✓", "failed": "✗", "look": "!", "off": "-", "on": "●", "serves": "▶"}
PLAIN = {"done": "ok", "failed": "failed", "look": "!", "off": "-", "on": "*", "serves": ">"}
"""The same in ASCII."""


def for_people() -> bool:
    """Whether a person reads what we print: both streams are a terminal's."""
    return sys.stdout.isatty() and sys.stderr.isatty() and not environment.in_ci()


def coloured(stream: TextIO) -> bool:
    """Whether colours are for this stream."""
    wish = environment.colours()
    if wish != "" or not stream.isatty() or environment.in_ci():
        return wish == "forced"
    return takes_colours(stream)


def moving() -> bool:
    """Whether lines can be shown on stderr that change."""
    return sys.stderr.isatty() and not environment.is_dumb() and not environment.in_ci()


def mark(kind: str) -> str:
    """The sign of what is done, has failed, and so on, where the terminal has it."""
    return (MARKS if has_marks() else PLAIN)[kind]


def sign_of(kind: str) -> Part:
    """The mark in its colour."""
    return (mark(kind), kind) if kind in CODES else mark(kind)


def signed(kind: str, text: str) -> str:
    """A text behind its mark, for what others print to stderr."""
    sign = painted((sign_of(kind),)) if coloured(sys.stderr) else mark(kind)
    return f"{sign} {text}"


def dot() -> str:
    """What stands between two things of a line."""
    return "·" if has_marks() else "|"


def has_marks() -> bool:
    """Whether the terminal shows more than ASCII."""
    encoding = (getattr(sys.stderr, "encoding", None) or "utf-8").lower().replace("-", "")
    return encoding == "utf8" and not environment.is_dumb()


def plain(parts: tuple[Part, ...]) -> str:
    """The text alone."""
    return "".join(part if isinstance(part, str) else part[0] for part in parts)


def painted(parts: tuple[Part, ...]) -> str:
    """The text with its colours; what it says of its own is made readable."""
    return "".join(
        readable(part)
        if isinstance(part, str)
        else f"\x1b[{CODES[part[1]]}m{readable(part[0])}\x1b[0m"
        for part in parts
    )
