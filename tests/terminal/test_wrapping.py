"""Sentences and tables in terminals that are narrower than they are."""

from __future__ import annotations

import io

import pytest

from de_tasks.deployment.events import Event
from de_tasks.tasks.deploy_screen import Screen
from de_tasks.terminal import commands, console, live, style, wrapping
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
        # No room is left behind what begins so late.
        ("  interpreter      one two", "  interpreter\none two"),
    ],
)
def test_words_stay_whole(text: str, shown: str) -> None:
    assert wrapping.wrapped(text, 20) == shown


def test_command_stays_whole() -> None:
    command = typed("logs --type build --name sales")
    text = f"The build failed. The whole log: {command}"
    assert wrapping.wrapped(text, NARROW) == f"The build failed. The whole log:\n{command}"


def test_latest_commands_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_named", {})
    monkeypatch.setattr(commands, "REMEMBERED", 2)
    named = [typed(command) for command in ("one", "two", "one", "three")]
    assert commands.named_in(", ".join(named)) == [named[0], named[3]]


def test_colours_survive_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, NARROW)
    console.line(style.sign_of("failed"), " ", ("word " * 9, "detail"))
    console.note("word " * 9)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4 and max(map(len, (lines[1], *lines[2:]))) <= NARROW + len("\x1b[0m")
    assert lines[1].startswith("  word")


def test_question_is_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, NARROW)
    monkeypatch.setattr(console, "at_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert console.confirm("sales does not exist on example.plotly.host. Create it?", False)
    first, second = screen.getvalue().split("\n")
    assert max(len(first), len(second)) < NARROW and second.endswith("Create it? [y/N] ")


def test_seconds_of_a_step_stay_in_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, NARROW)
    monkeypatch.setenv("NO_COLOR", "1")
    tell = Screen()
    tell(Event("step", "Sent 9ecf27d", {"sha": "9ecf27d", "seconds": 1.25}))
    live.clear()
    (line,) = [line for line in screen.getvalue().splitlines() if "Sent" in line]
    assert line.endswith("1.2 s") and len(line) == NARROW


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
