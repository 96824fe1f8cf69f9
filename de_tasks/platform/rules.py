"""Settings of an app as people give them, in an option or a file; `where` names it in a message.

Each function raises `UsageError` that names the place and what is wrong, never a variable's value.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TextIO

from de_tasks.errors import UsageError
from de_tasks.terminal.proposals import one_of

LOWEST_RANK, HIGHEST_RANK = -(2**31), 2**31 - 1
"""GraphQL's Int has 32 bits."""


def access_level(given: object, where: str) -> str:
    """Who may open an app."""
    from de_tasks.platform.models import ACCESS_LEVELS

    return one_of(given, ACCESS_LEVELS, where)


def service_type(given: object, where: str) -> str:
    """A kind of database."""
    from de_tasks.platform.models import SERVICE_TYPES

    return one_of(given, SERVICE_TYPES, where)


def mail(text: str, where: str) -> str:
    """An e-mail address, or empty."""
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise UsageError(f"{where} should be an e-mail address, not {text!r}.")
    return text


def minor_version(text: str, where: str) -> str:
    """A minor version of Python, or empty."""
    if text and not re.fullmatch(r"3\.\d{1,2}", text):
        raise UsageError(f"{where} should be a minor version such as 3.11, not {text!r}.")
    return text


def rank(number: int, where: str) -> int:
    """A place on the Portal."""
    if not LOWEST_RANK <= number <= HIGHEST_RANK:
        raise UsageError(f"{where} goes from {LOWEST_RANK} to {HIGHEST_RANK}, not {number}.")
    return number


def picture(path: Path, where: str) -> bytes:
    """The content of a PNG or JPEG file."""
    from de_tasks.appspec import THUMBNAIL_LIMIT, image_type

    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{where} {path} cannot be read: {error.strerror}.") from None
    if image_type(data) is None:
        raise UsageError(f"{where} {path} is neither a PNG nor a JPEG picture.")
    if len(data) > THUMBNAIL_LIMIT:
        raise UsageError(
            f"{where} {path} has {len(data)} bytes, and at most {THUMBNAIL_LIMIT} are allowed."
        )
    return data


def env_file(source: Path | TextIO, where: str) -> dict[str, str]:
    """The NAME=VALUE lines of a file. Raises `UsageError` naming `where` and the line, never what
    it says."""
    from de_tasks.appspec import env_lines, text_of

    try:
        text = text_of(source.read_bytes()) if isinstance(source, Path) else source.read()
    except OSError as error:
        raise UsageError(f"{where} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{where} is not UTF-8 text: save it as UTF-8.") from None
    return dict(env_lines(text, where))
