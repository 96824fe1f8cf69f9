"""A failed app's log without the libraries' part."""

from __future__ import annotations

import pytest

from de_tasks.terminal.abridged import abridged, repeats
from tests.support.tracebacks import BOOT, ENDED, OWN


@pytest.mark.parametrize("margin", ["", "       "])
def test_only_the_apps_own_frames_are_kept(margin: str) -> None:
    kept = [margin + line for line in (BOOT[0], *OWN, *ENDED)]
    assert abridged(margin + line for line in BOOT) == kept


def test_log_without_a_traceback_is_kept_whole() -> None:
    lines = ["hello", "", "    indented", "hello", "ValueError: x", "x"]
    assert abridged(lines) == lines


def test_a_syntax_error_keeps_its_place() -> None:
    lines = ['  File "/app/app.py", line 3', "    layout(", "          ^", "SyntaxError: no"]
    assert abridged(lines) == lines


@pytest.mark.parametrize(
    ("line", "repeated"),
    [
        (" !     web ended with status 3: KeyError: 'TOKEN'", True),
        (" !     The app was built but did not start.", True),
        (" !     The app was built but did not start. Release 3 keeps serving.", False),
        (" !     postgres is not attached", False),
        ("       web ended with status 3: KeyError: 'TOKEN'", False),
    ],
)
def test_what_the_end_says_anyway_is_repeated(line: str, repeated: bool) -> None:
    assert repeats(line, "It failed.\nweb ended with status 3: KeyError: 'TOKEN'") is repeated
