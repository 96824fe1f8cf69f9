"""Paths as text, with the rules of whichever system they are of. Imports next to nothing."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from pathlib import PurePath
    from typing import Any


def within(folder: str, other: str, rules: Any = os.path) -> bool:
    """Whether a folder is another one or lies in it; `rules` is the module of its system's."""
    inner, outer = (rules.normcase(rules.join(path, "")) for path in (folder, other))
    return bool(inner.startswith(outer))


def from_here(file: str, here: str, rules: Any = os.path) -> str:
    """The way to a file from a folder; in full where there is none, as to another drive."""
    try:
        return str(rules.relpath(file, here))
    except ValueError:
        return file


def inside(path: PurePath, top: PurePath) -> str:
    """The name of a file below a folder, with `/` on every system; the whole path elsewhere."""
    return (path.relative_to(top) if path.is_relative_to(top) else path).as_posix()
