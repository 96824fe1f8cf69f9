"""Sentences and tables in terminals that are narrower than they are."""

from __future__ import annotations

import pytest

from de_tasks.terminal import console, style, wrapping
from de_tasks.terminal.commands import typed
from tests.support.screen import terminal

NARROW = 40


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one two three four five six", "one two three four\nfive six"),
        ("  owner      ada lovelace", "  owner      ada\n             lovelace"),
        ("✗ one two three four five", "✗ one two three four\n  five"),
        ("at http://localhost:8888/sales/ now", "at\nhttp://localhost:8888/sales/\nnow"),
        ("short\nand short", "short\nand short"),
    ],
)
def test_words_stay_whole(text: str, shown: str) -> None:
    assert wrapping.wrapped(text, 20) == shown


def test_command_stays_whole() -> None:
    command = typed("logs --type build --name sales")
    text = f"The build failed. The whole log: {command}"
    assert wrapping.wrapped(text, NARROW) == f"The build failed. The whole log:\n{command}"


def test_colours_survive_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, NARROW)
    console.line(style.sign_of("failed"), " ", ("word " * 9, "detail"))
    console.note("word " * 9)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4 and max(map(len, (lines[1], *lines[2:]))) <= NARROW + len("\x1b[0m")
    assert lines[1].startswith("  word")


ROW = (("sales", "name"), "running", "http://localhost:8888/sales/")


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (ROW, ["sales", "  state    running", "  address  http://localhost:8888/sales/"]),
        (("a", "failed", "a message of words that are many"), 4),
    ],
)
def test_table_that_does_not_fit_stays_readable(
    cells: tuple[style.Part, ...], shown: list[str] | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal(monkeypatch, NARROW)
    monkeypatch.setenv("NO_COLOR", "1")
    console.table(("NAME", "STATE", "ADDRESS"), [cells])
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= NARROW
    assert lines == shown if isinstance(shown, list) else lines[0].startswith("NAME")
