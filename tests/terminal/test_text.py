"""What a terminal and GitHub's runner would obey is shown, and nothing else is altered."""

from __future__ import annotations

import json
import unicodedata
from itertools import chain

import pytest

from de_tasks.terminal.text import in_json, one_line, readable

INVISIBLE = "\u00ad\u061c\u180e\u200b\u200e\u2060\ufeff\ufff9\U000e0041"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;ZWNobw==\x07", r"\x1b]52;c;ZWNobw==\x07"),
        ("\x1b]0;title\x1b\\", "\\x1b]0;title\\x1b\\"),
        ("\x1b[2J\x1b[8m\x1b[5mx\x1b[1A", r"\x1b[2J\x1b[8m\x1b[5mx\x1b[1A"),
        ("\x9b31m \x85 \x7f \x00 \x08", r"\x9b31m \x85 \x7f \x00 \x08"),
        ("paid\rfree", r"paid\rfree"),
        ("one\r\ntwo\r", "one\ntwo"),
        ("nosj.\u202etxt \u2066x\u2069", r"nosj.\u202etxt \u2066x\u2069"),
        ("\udcff.txt \ud800", r"\xff.txt \ud800"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("ü 漢字\u3000👩\u200d🔬 \ue0b0\xa0x\ty\nz", "ü 漢字\u3000👩\u200d🔬 \ue0b0\xa0x\ty\nz"),
        ("::error::x ##[error]", "::error::x ##[error]"),
    ],
)
def test_what_is_obeyed_is_shown(text: str, shown: str) -> None:
    assert readable(text) == shown
    assert readable(shown) == shown


def test_no_control_and_nothing_invisible_is_left() -> None:
    ranges = (range(0x3000), range(0xD7FF, 0xE001), range(0xFE00, 0x10000), range(0xE0000, 0xE0200))
    every = "".join(map(chr, chain(*ranges)))
    left = {c for c in readable(every) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    assert left == {"\n", "\t"}
    assert not set(INVISIBLE) & set(readable(every))


@pytest.mark.parametrize("colour", ["0", "", "1;31", "01;31", "38;5;200", "48;2;1;2;3", "97", "4"])
def test_colours_of_a_log_pass_to_the_end_of_the_line(colour: str) -> None:
    line = f"a \x1b[{colour}mb"
    assert readable(f"{line}\nc", colours=True) == f"{line}\x1b[0m\nc"
    assert readable(line) == "a b"


@pytest.mark.parametrize("sequence", ["8m", "5m", "31;8m", "2J", "1;1H", "?25l", "31m\x1b]0;x\x07"])
def test_nothing_but_colours_passes(sequence: str) -> None:
    shown = readable(f"\x1b[{sequence}", colours=True)
    assert "\x1b" not in shown.removeprefix("\x1b[31m").removesuffix("\x1b[0m")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\::error::x"),
        ("one\n \u3000\t::add-mask::y", "one\n \u3000\t\\::add-mask::y"),
        ("a ##[add-path]/tmp", r"a ##\[add-path]/tmp"),
        ("a::b ## [x]", "a::b ## [x]"),
        ("\r::error::x", r"\r::error::x"),
        ("\x1b[31m::error::x", r"\::error::x"),
    ],
)
def test_lines_of_others_are_no_commands_on_github(
    text: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert readable(text) == shown
    assert readable(shown) == shown


def test_what_stays_in_its_line() -> None:
    assert one_line("a\nb\tc\r\nd") == r"a\nb c\nd"


def test_json_keeps_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    value = {"name": "\x7f\x1b\x9b\u202e ##[error]x"}
    text = in_json(json.dumps(value))
    assert json.loads(text) == value and text.isprintable() and "##[" not in text
