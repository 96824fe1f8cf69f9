"""What somebody may have meant by a word that is not known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from de_tasks.config.system import quoted
from de_tasks.errors import UsageError


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean deploy?` for `dploy`; empty where nothing known resembles the word."""
    import difflib

    choices = sorted(known)
    begins = [choice for choice in choices if choice.startswith(word)]
    close = begins or difflib.get_close_matches(word, choices, n=1)
    return f" Did you mean {min(close, key=len)}?" if close else ""


def any_of(choices: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def one_of(given: object, choices: Sequence[str], where: str) -> str:
    """What was given, where it is one of the choices; `where` is the option or the key.

    Raises `UsageError` that names the choices, and the one that may have been meant.
    """
    if isinstance(given, str) and given in choices:
        return given
    meant = did_you_mean(given, choices) if isinstance(given, str) and given else ""
    raise UsageError(f"{where} is {any_of(choices)}, not {given!r}.{meant}")


def as_option(word: str, options: Iterable[str]) -> str:
    """` Did you mean --name sales?`, where a stray word can be the value of one of a
    command's options; empty where it cannot."""
    known = set(options)
    if "--path" in known and ("/" in word or os.sep in word or os.path.isdir(word)):
        return f" Did you mean --path {quoted(word)}?"
    for option in ("--name", "--app-name"):
        if option in known:
            return f" Did you mean {option} {word}?"
    return ""
