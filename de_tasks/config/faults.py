"""What is wrong with a configuration file: where it stands, and what should stand there.

invoke reads the files, and says it with a traceback.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from de_tasks.config.files import nearest
from de_tasks.errors import UsageError

SUFFIXES = (".yaml", ".yml", ".json")
"""In invoke's order. What goes wrong in an invoke.py is an error of its own code."""
SECTION = re.compile(r"""^[ \t{]*(['"]?)de\1[ \t]*:[ \t]*""", re.MULTILINE)
BEGIN = re.compile(r"^(?!---|[ \t]*(#|$))[ \t]*", re.MULTILINE)
"""Where the content begins: not a comment, nor the mark of a document."""
USERS = "~/.invoke"


@contextmanager
def located(stem: str) -> Iterator[None]:
    """Turn what invoke raises for the file of a path without its ending, such as `/shop/invoke`,
    into a `UsageError` that names the place. It reads them as UTF-8 from now on."""
    from de_tasks.config.utf8 import read_as_utf8

    read_as_utf8()
    try:
        yield
    except Exception as error:
        path = _file(stem)
        found = _fault(path, error) if path else None
        if found is None:
            raise
        raise found from None


def check_section(section: object, folder: str = ".") -> None:
    """Raise `UsageError` for a section `de` that is no mapping; it stands in the nearest file, or
    in the user's own."""
    if hasattr(section, "keys"):
        return
    what = "it is empty" if section is None else f"not {section!r}"
    words = f"de should have settings, such as 'app: shop' on a line of their own; {what}."
    project = nearest(folder)
    for stem in (os.path.join(project, "invoke") if project else "", USERS):
        path = _file(stem)
        text = _text(path) if path else ""
        if path and (key := SECTION.search(text)):
            raise _at(path, text, key.end(), words)
    raise UsageError(f"invoke's configuration: {words}")


def _fault(path: Path, error: Exception) -> UsageError | None:
    if isinstance(error, OSError):
        return UsageError(f"{path} cannot be read: {error.strerror}.")
    # YAML's error has an encoding too, which is `unicode` where the text could be read.
    if getattr(error, "encoding", "unicode") != "unicode":
        return UsageError(f"{path} is not UTF-8 text: save it as UTF-8.")
    text = _text(path)
    if isinstance(error, json.JSONDecodeError):
        return _at(path, text, error.pos, f"{error.msg}.")
    # The YAML parser is invoke's own copy: its errors are known by what they have.
    if mark := getattr(error, "problem_mark", None):
        said = ", ".join(filter(None, (error.context, error.problem)))  # type: ignore[attr-defined]
        return _at(path, text, mark.index, f"{said}.")
    if hasattr(error, "position") and hasattr(error, "reason"):
        return _at(path, text, error.position, f"{error.reason}.")
    if type(error).__name__ == "AmbiguousMergeError":
        key = SECTION.search(text)
        return _at(path, text, key.end() if key else 0, f"{error}.")
    if isinstance(error, (AttributeError, TypeError)):
        begin = BEGIN.search(text)
        words = (
            "a configuration has sections, such as 'de:' with settings below, and this has none."
        )
        return _at(path, text, begin.end() if begin else 0, words)
    return None


def _file(stem: str) -> Path | None:
    paths = (Path(f"{stem}{suffix}").expanduser() for suffix in SUFFIXES)
    return next((path for path in paths if stem and path.is_file()), None)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _at(path: Path, text: str, position: int, words: str) -> UsageError:
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    here = Path.cwd()
    name = path.relative_to(here) if path.is_relative_to(here) else path
    return UsageError(f"{name}:{line}:{column}: {words}")
