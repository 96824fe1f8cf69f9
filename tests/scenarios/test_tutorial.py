"""The tutorial, typed line by line: what it shows is what a terminal shows.

`TUTORIAL=1 pytest tests/scenarios/test_tutorial.py` writes what was printed into the page, and
makes the README's picture of the first deploy.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import emulator, wheelhouse
from tests.support.places import ROOT
from tests.support.terminals import Terminal

PAGE = ROOT / "docs" / "tutorial.md"
PICTURE = ROOT / "docs" / "images" / "deploy.svg"
PICTURED = "inv deploy"
PORT = re.compile(r"(127\.0\.0\.1|localhost):\d+")
STEP = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
ANSWER = re.compile(r"(\[[yYnN/]+\]) (\w+)$", re.MULTILINE)
HOME = "/home/you"
COLUMNS = 100
PASSWORD = re.compile(r"^(  (?:admin|dev|viewer) +)\S{16}$", re.MULTILINE)


@dataclass
class Reader:
    """Somebody who types what the page says, at home in an empty folder."""

    home: Path
    folder: Path
    written: dict[str, str] = field(default_factory=dict)
    """What each command has written the first time, with colours and all."""

    def types(self, command: str, shown: str) -> str:
        """Type a command, and the answers that the page gives; returns what a terminal shows."""
        if command.startswith("cd "):
            self.folder = self.folder / command.removeprefix("cd ")
            return ""
        with Terminal(["bash", "-c", command], self.folder, self.variables()) as terminal:
            for _, answer in ANSWER.findall(shown):
                terminal.shows("/N] ")
                terminal.type(f"{answer}\n")
            terminal.end()
            self.written.setdefault(command, terminal.raw)
            return as_on_page(emulator.lines(terminal.raw, COLUMNS), self.home)

    def variables(self) -> dict[str, str]:
        """The environment of a new account."""
        return {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "COLUMNS": str(COLUMNS),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "INVOKE_DE_SANDBOX_PORT": "0",
            "GIT_CONFIG_COUNT": "2",
            **{"GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "You"},
            **{"GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "you@example.com"},
            **wheelhouse.carried(),
        }


@pytest.fixture
def reader() -> Iterator[Reader]:
    """A reader, whose home has a short name, as homes have; the sandbox is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="you", dir="/tmp") as home:
        made = Reader(Path(home), Path(home))
        yield made
        made.types("de-tasks sandbox stop", "")


@pytest.mark.sandbox
def test_tutorial_shows_what_is_printed(reader: Reader) -> None:
    text = PAGE.read_text("utf-8")
    steps = STEP.findall(text)
    printed = [reader.types(command, shown) for command, shown in steps]
    if os.environ.get("TUTORIAL"):
        deploy = f"$ {PICTURED}\r\n" + PORT.sub(r"\1:8888", reader.written[PICTURED])
        PICTURE.write_text(emulator.picture(deploy, COLUMNS, PICTURED), "utf-8")
        texts = iter(printed)
        PAGE.write_text(STEP.sub(lambda step: f"$ {step[1]}\n{next(texts)}", text), "utf-8")
    for (command, shown), said in zip(steps, printed, strict=True):
        assert without_variation(said) == without_variation(shown), f"$ {command}\n{said}"
    pictured = printed[[command for command, _ in steps].index(PICTURED)]
    drawn = emulator.in_picture(PICTURE.read_text("utf-8"))
    # The picture has no room between words of different colours, but a place for each.
    told = (without_variation(text) for text in (drawn, f"$ {PICTURED}\n{pictured}"))
    assert len({text.replace(" ", "") for text in told}) == 1


def as_on_page(lines: list[str], home: Path) -> str:
    """What was printed, with the usual home and port, and without passwords."""
    text = "".join(f"{line}\n" for line in lines).replace(str(home), HOME)
    return PASSWORD.sub(r"\1****************", PORT.sub(r"\1:8888", text))


def without_variation(text: str) -> str:
    """A text without what differs from run to run: commits, seconds, numbers, ends of lines."""
    text = re.sub(r"\b[0-9a-f]{7,40}\b", "SHA", text)
    # What takes no time is told without one.
    text = re.sub(r" +\d+\.\d s$", "", text, flags=re.MULTILINE)
    # So are parts of a deploy.
    text = re.sub(r"\(snapshot [^)]*\)", "PARTS", text)
    text = re.sub(r"just now|\d+ s ago|for \d+ s", "WHEN", text)
    return " ".join(re.sub(r"\d[\d.]*", "0", text).split())
