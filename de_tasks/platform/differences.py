"""What of a wished change changes anything, and how it is said: was -> is.

The value of a variable is in no word of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from de_tasks.appspec import image_type
from de_tasks.errors import NotFound
from de_tasks.platform.graphql.mutations import METADATA
from de_tasks.platform.models import Changes, Details, People

VALUES = (*METADATA, "persistent_filesystem", "python_version")
"""Fields of `Changes` that are fields of `Details` too."""
PEOPLE = ("viewers", "co_owners")
"""People in fields of `Changes` and `Details`."""


def effective(app: str, before: Details, wanted: Changes) -> Changes:
    """The part of `wanted` that changes something.

    Raises `NotFound` for a tag or a variable to remove that is not there.
    """
    for tag in wanted.remove_tags:
        if tag not in before.tags:
            raise NotFound(
                f"App {app} has no tag {tag!r}. It has: {', '.join(before.tags) or 'none'}."
            )
    for key in wanted.remove_variables:
        if key not in before.variables | before.platform_variables:
            raise NotFound(f"App {app} has no environment variable {key}.")
    added = tuple(tag for tag in dict.fromkeys(wanted.add_tags) if tag not in before.tags)
    tags = (*(tag for tag in before.tags if tag not in wanted.remove_tags), *added)
    wanted = replace(wanted, tags=tags, add_tags=added)
    kept: dict[str, Any] = {
        field: None if (now := getattr(wanted, field)) == getattr(before, field) else now
        for field in VALUES
    }
    for who in PEOPLE:
        present: People | None = getattr(before, who)
        if present is None:
            continue
        kept[f"add_{who}"] = _without(getattr(wanted, f"add_{who}"), present)
        kept[f"remove_{who}"] = _within(getattr(wanted, f"remove_{who}"), present)
    kept["set_variables"] = {
        key: value
        for key, value in wanted.set_variables.items()
        if before.variables.get(key) != value
    }
    return replace(wanted, **kept)


def described(
    before: Details, changes: Changes, refused: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """What is changed, and from what to what, but for the steps that were refused."""
    for field in VALUES:
        now = getattr(changes, field)
        step = "metadata" if field in METADATA else words(field)
        if now is not None and step not in refused:
            yield words(field), from_to(getattr(before, field), now)
    for who in PEOPLE:
        what = words(who)
        if getattr(before, who) is None:
            for verb, word in (("add", "added"), ("remove", "removed")):
                people = getattr(changes, f"{verb}_{who}")
                if people and f"{word} {what}" not in refused:
                    yield what, f"{word} {_named(people)}"
            continue
        was = now = getattr(before, who)
        if f"added {what}" not in refused:
            now = _joined(now, getattr(changes, f"add_{who}"))
        if f"removed {what}" not in refused:
            now = _without(now, getattr(changes, f"remove_{who}"))
        if now != was:
            yield what, f"{_named(was)} -> {_named(now)}"
    for key in changes.set_variables:
        if f"variable {key}" not in refused:
            yield f"variable {key}", "changed" if key in before.variables else "added"
    for key in changes.remove_variables:
        if f"variable {key}" not in refused:
            yield f"variable {key}", "removed"
    if changes.thumbnail is not None and "thumbnail" not in refused:
        yield "thumbnail", to_picture(bool(before.thumbnail_url), changes.thumbnail)


def unchanged(wanted: Changes, changes: Changes) -> Iterator[str]:
    """The requested settings that are set already."""
    for field in VALUES:
        if getattr(wanted, field) is not None and getattr(changes, field) is None:
            yield words(field)
    for who in PEOPLE:
        what = words(who)
        for verb in ("add", "remove"):
            field = f"{verb}_{who}"
            same = _without(getattr(wanted, field), getattr(changes, field))
            if same:
                yield f"{what} ({_named(same)})"
    yield from (f"tag {t}" for t in wanted.add_tags if t not in changes.add_tags)
    yield from (f"variable {k}" for k in wanted.set_variables if k not in changes.set_variables)


def _without(people: People, others: People) -> People:
    return People(
        tuple(user for user in people.users if user not in others.users),
        tuple(group for group in people.groups if group not in others.groups),
    )


def _within(people: People, others: People) -> People:
    return _without(people, _without(people, others))


def _joined(people: People, others: People) -> People:
    return People(
        tuple(sorted({*people.users, *others.users})),
        tuple(sorted({*people.groups, *others.groups})),
    )


def _named(people: People) -> str:
    return _listed([*people.users, *(f"group {group}" for group in people.groups)])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def words(field: str) -> str:
    """A field of `Changes` as people read it."""
    return "co-owners" if field == "co_owners" else field.replace("_", " ")


def from_to(was: object, now: object) -> str:
    """How a value changes."""
    return f"{_shown(was)} -> {_shown(now)}"


def to_picture(was: bool, picture: bytes) -> str:
    """How a thumbnail changes, where there `was` one or none."""
    kind = (image_type(picture) or "").upper()
    return f"{'another' if was else 'none'} -> {kind} of {len(picture)} bytes"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return _listed(value)
    return "''" if value == "" else str(value)
