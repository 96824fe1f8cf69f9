"""Where there are colours and marks, and where there are none."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping

import pytest

from de_tasks.terminal import console, style
from tests.support.screen import terminal


@pytest.mark.parametrize(
    ("variables", "people", "colours", "moves", "mark"),
    [
        ({}, True, True, True, "✓"),
        ({"NO_COLOR": "1"}, True, False, True, "✓"),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False, True, "✓"),
        ({"TERM": "dumb"}, True, False, False, "ok"),
        ({"CI": "true"}, False, False, False, "✓"),
        ({"CI": "true", "FORCE_COLOR": "1"}, False, True, False, "✓"),
    ],
)
def test_terminal_has_what_its_variables_allow(
    variables: Mapping[str, str],
    people: bool,
    colours: bool,
    moves: bool,
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert style.for_people() is people
    assert style.coloured(screen) is colours
    assert style.moving() is moves
    assert style.mark("done") == mark


def test_what_a_program_reads_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    console.line(style.sign_of("done"), " ", ("shop", "name"), out=True)
    console.table(("NAME", "STATE"), [(("shop", "name"), ("failed", "failed")), ("x", "")])
    assert not style.for_people()
    assert pipe.getvalue() == "✓ shop\nNAME  STATE\nshop  failed\nx\n"


def test_columns_are_as_wide_as_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    console.table(("NAME", "STATE"), [(("shop", "name"), ("failed", "failed")), ("x", "live")])
    *_, first, second = screen.getvalue().splitlines()
    assert first == "\x1b[1mshop\x1b[0m  \x1b[31mfailed\x1b[0m"
    assert second == "x     live"


def test_foreign_text_has_no_colours_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    console.line(("a\x1b[31mb", "name"), "\x1b]0;title\x07")
    assert screen.getvalue() == "\x1b[1mab\x1b[0m\\x1b]0;title\\x07\n"
