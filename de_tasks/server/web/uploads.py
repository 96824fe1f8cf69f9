"""What forms with a file in them bring: an env file, a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile

from de_tasks.appspec import THUMBNAIL_LIMIT, env_lines, text_of
from de_tasks.errors import UsageError

LONGEST_FILE_NAME = 100
MOST_TEXT, MOST_LINES = 512 * 1024, 2000
"""Bytes and lines of an env file: an app keeps no more, and a user has points for fewer."""
MOST_BYTES = {"file": MOST_TEXT, "thumbnail": THUMBNAIL_LIMIT}
"""What a page says of a file before it is sent, by its field."""
LINE_END = re.compile(r"\r\n|\r|\n")
BLANKS = re.compile(r"[^\S\r\n]{64}")
"""python-dotenv takes the square of a run of blanks in time, during which nothing else runs."""


def env_variables(form: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The variables of an env file, chosen or pasted, each as `key` and `value`.

    Raises `UsageError` naming the line that is wrong, never what stands in it.
    """
    file, text = _file(form, "file"), str(form.get("text", ""))
    if file and text.strip():
        raise UsageError("Choose a file or paste its text, not both. Nothing was set.")
    where = _name(file) if file else "The text"
    if file and (file.size or 0) > MOST_TEXT:
        raise UsageError(f"{where} has {file.size} bytes, and at most {MOST_TEXT} are allowed.")
    try:
        # Browsers send a text with CRLF at the end of each line, also within quotes.
        text = text_of(file.file.read()) if file else text.replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"{where} is not UTF-8 text: save it as UTF-8.") from None
    _need_small(text, where)
    found = dict(env_lines(text, where))
    if not found:
        raise UsageError(
            f"{where} has no variables: write each as NAME=VALUE on a line."
            if file or text.strip()
            else "Choose a file, or paste its text."
        )
    return [{"key": key, "value": value} for key, value in found.items()]


def _need_small(text: str, where: str) -> None:
    """Raise `UsageError` for a text that would take long to read."""
    lines = len(LINE_END.findall(text)) + 1
    if lines > MOST_LINES:
        raise UsageError(f"{where} has {lines} lines, and at most {MOST_LINES} are allowed.")
    if blanks := BLANKS.search(text):
        number = len(LINE_END.findall(text, 0, blanks.start())) + 1
        raise UsageError(
            f"{where}, line {number}, has 64 blanks or more in a row: remove them, or set this "
            "variable by itself."
        )


def picture(form: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The picture that was chosen, as `thumbnail`. Raises `UsageError` where there is none, and for
    one that is too large; what kind it is the API finds out."""
    file = _file(form, "thumbnail")
    if file is None:
        raise UsageError("Choose a PNG or JPEG picture.")
    if (file.size or 0) > THUMBNAIL_LIMIT:
        raise UsageError(
            f"{_name(file)} has {file.size} bytes, and at most {THUMBNAIL_LIMIT} are allowed: "
            "choose a smaller picture."
        )
    return [{"thumbnail": file}]


def _file(form: Mapping[str, Any], field: str) -> UploadFile | None:
    """The file of a field; where none was chosen, browsers send one without a name."""
    value = form.get(field)
    return value if isinstance(value, UploadFile) and value.filename else None


def _name(file: UploadFile) -> str:
    return (file.filename or "")[:LONGEST_FILE_NAME]
