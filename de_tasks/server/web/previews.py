"""Previews among the apps of a list: which app is a branch of which, and what stands together.

The client marks a preview with a tag, `de-preview:APP:CREATED:BRANCH`, that holds only for the app
whose time of creation it names (`de_tasks/deployment/previews/mark.py`): copied to another app it
proves nothing. A fleet cannot be recognised here: a file in its repository lists its apps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

MARK = "de-preview:"
"""Begins the tag that a program wrote for itself, and that tells visitors nothing."""


@dataclass(frozen=True)
class Preview:
    """The app of a branch of the app `of`."""

    of: str
    branch: str


@dataclass(frozen=True)
class Row:
    """An app of the list, with the tags that people gave it; `below` says that it is a preview and
    stands below the app that it is a preview of."""

    app: dict[str, Any]
    tags: tuple[str, ...]
    preview: Preview | None = None
    below: bool = False


def tags_of(text: str | None) -> tuple[str, ...]:
    """The tags that people gave an app, of all that are kept as one text."""
    return tuple(tag for tag in _split(text) if not tag.startswith(MARK))


def marks_of(text: str | None) -> tuple[str, ...]:
    """The other ones."""
    return tuple(tag for tag in _split(text) if tag.startswith(MARK))


def _split(text: str | None) -> list[str]:
    return [tag for part in (text or "").split(",") if (tag := part.strip())]


def preview_of(app: dict[str, Any]) -> Preview | None:
    """What an app of the API is a preview of, by its mark."""
    marks = [mark.split(":") for mark in marks_of(app["metadata"]["tags"])]
    if len(marks) != 1 or len(marks[0]) != 4:
        return None
    _, of, created, branch = marks[0]
    if created != re.sub(r"\D", "", app["analytics"]["timestamps"]["created"]):
        return None
    return Preview(of, unquote(branch))


def grouped(apps: Sequence[dict[str, Any]]) -> list[Row]:
    """The apps in their order, but previews behind the app of theirs, or, where that is not in the
    list, behind the first of its previews."""
    names = {app["name"] for app in apps}
    families: dict[str, list[Row]] = {}
    for app in apps:
        preview = preview_of(app)
        below = preview is not None and preview.of in names - {app["name"]}
        row = Row(app, tags_of(app["metadata"]["tags"]), preview, below)
        family = families.setdefault(preview.of if preview else app["name"], [])
        # The app itself before its previews, which may come before it by name.
        family.append(row) if preview else family.insert(0, row)
    return [row for family in families.values() for row in family]
