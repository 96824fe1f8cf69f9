"""The pages of the documentation, taken apart: blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.places import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("templates/*/README.md")),
]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|(?<=\n)\n(?=    ))+", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
STANDS_FOR = re.compile(r"<(\w+)>")
ASSIGNMENT = re.compile(r"\w+=")
PUNCTUATION = set("();<>|&")


@dataclass(frozen=True)
class Block:
    """A block of code: its language, empty where none is named, and where it stands."""

    page: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    """Every block of code of every page."""
    for path in PAGES:
        page, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        for _, language, inner in FENCE.findall(text):
            yield Block(page, language, inner)
        for found in INDENTED.finditer(FENCE.sub("", text)):
            yield Block(page, "", found[0])


def in_text() -> Iterator[Block]:
    """Every piece of code within a sentence."""
    for path in PAGES:
        prose = INDENTED.sub("", FENCE.sub("", path.read_text("utf-8")))
        for code in CODE.findall(prose):
            yield Block(path.relative_to(ROOT).as_posix(), "", code)


def commands(text: str) -> Iterator[list[str]]:
    """The commands in lines for a shell, taken apart at pipes and the like, without variables.

    A line that no shell could read is none.
    """
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(STANDS_FOR.sub(r"\1", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            yield from _split(list(lexer))
        except ValueError:
            continue


def _split(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if PUNCTUATION.issuperset(word):
            yield command
            command = []
        elif command or not (ASSIGNMENT.match(word) or word in ("$", "time")):
            command.append(word)
