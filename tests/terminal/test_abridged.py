"""A failed app's log without the libraries' part."""

from __future__ import annotations

import pytest

from de_tasks.terminal.abridged import abridged, repeats

PACKAGE = "/data/environments/1a/lib/python3.11/site-packages/gunicorn/util.py"
OWN = [
    '  File "/data/apps/3/releases/12/app.py", line 4, in <module>',
    "    connect()",
    "    ^^^^^^^^^",
]
ENDED = ["RuntimeError: no DATABASE_URL configured", "[7] [ERROR] Shutting down: Master"]
BOOT = [
    "Traceback (most recent call last):",
    f'  File "{PACKAGE}", line 371, in import_app',
    "    mod = importlib.import_module(module)",
    "          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
    '  File "/usr/lib/python3.11/importlib/__init__.py", line 126, in import_module',
    "    return _bootstrap._gcd_import(name[level:], package, level)",
    '  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed',
    "  [Previous line repeated 2 more times]",
    *OWN,
    ENDED[0],
    "no DATABASE_URL configured",
    ENDED[1],
]


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
        (" !     The app was built, and did not start.", True),
        (" !     The app was built, and did not start. Release 3 goes on serving.", False),
        (" !     postgres is not attached", False),
        ("       web ended with status 3: KeyError: 'TOKEN'", False),
    ],
)
def test_what_the_end_says_anyway_is_repeated(line: str, repeated: bool) -> None:
    assert repeats(line, "It failed.\nweb ended with status 3: KeyError: 'TOKEN'") is repeated
