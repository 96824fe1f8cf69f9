"""What is printed for programs is the same on every system."""

from __future__ import annotations

import io
import sys

import pytest

from de_tasks.errors import UsageError
from de_tasks.terminal import console
from tests.support.screen import terminal


def test_patch_has_no_line_ends_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8", newline="\r\n"))
    console.patch("-one\n+two\r")
    assert written.getvalue() == b"-one\n+two\r\n"


@pytest.mark.parametrize(
    ("what", "printed"), [("results", '{"a": 1}\n'), ("all", "")], ids=["results", "all"]
)
def test_nothing_is_printed_where_it_is_to_be_quiet(
    what: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.quiet(what):
        assert console.silent()
        console.result("text")
        console.patch("-one")
        console.annotation("::error::x")
        console.log_line((), "text")
        console.line("text", out=True)
        console.result_json({"a": 1})
    assert capsys.readouterr().out == printed and not console.silent()


def test_answer_that_is_no_choice_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setattr(console, "at_terminal", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("blue\nred\n" + "blue\n" * 3))
    assert console.choose("Which?", "green", ("green", "red")) == "red"
    asked = "Which? (green, red) [green]: "
    assert screen.getvalue() == f"{asked}'blue' is not one of: green, red.\n{asked}"
    with pytest.raises(UsageError, match=r"^'blue' is not one of: green, red\.$"):
        console.choose("Which?", "green", ("green", "red"))
