"""The previews that there are, those that have outlived their use, and deleting them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from de_tasks.deployment.previews.mark import Preview, not_ours, preview_name, read_mark
from de_tasks.errors import DeTasksError, NotFound, NotPermitted
from de_tasks.platform.models import User
from de_tasks.platform.protocol import Platform

JUST_NOW = timedelta(hours=1)
"""A preview of somebody else is left alone for so long: a hook deploys before the push arrives."""


@dataclass(frozen=True)
class Stale:
    """A preview that has outlived its use, and why."""

    preview: Preview
    reason: str


@dataclass(frozen=True)
class Deleted:
    """A preview that is gone, with names of its services: those deleted, those kept."""

    preview: Preview
    services: tuple[str, ...]
    kept: tuple[str, ...]


def find(platform: Platform, app: str, branch: str) -> Preview:
    """The preview of a branch.

    Raises `NotFound` when there is none, `DeTasksError` when an app of that name is not ours.
    """
    name = preview_name(app, branch)
    found = platform.app(name, dated=True)
    if found is None:
        raise NotFound(f"Branch {branch} of {app} has no preview ({name}).")
    return read_mark(found)


def listed(platform: Platform, app: str = "") -> Iterator[Preview]:
    """The previews of an app, or of all apps, that the caller manages."""
    for found in platform.apps(dated=True):
        try:
            preview = read_mark(found)
        except DeTasksError:
            continue
        if app in ("", preview.app):
            yield preview


def delete(platform: Platform, preview: Preview, user: User) -> Deleted:
    """Delete a preview with the services that were made for it; others are kept.

    Whether it is ours is asked again, of the server. Services go first, so that what an
    interrupt leaves is found again. Raises `DeTasksError` for an app that is not ours,
    `NotPermitted` before anything is gone.
    """
    present = find(platform, preview.app, preview.branch)
    if present.by_hand:
        raise not_ours(present.name, "something else was deployed to it since")
    if not may_delete(user, present):
        raise NotPermitted(
            f"Only {present.owner}, who owns {present.name}, or an admin may delete it."
        )
    services = platform.attached(present.name)
    own = [s for s in services if (s.name, s.apps) == (f"{present.name}-{s.kind}", (present.name,))]
    for service in own:
        platform.delete_service(present.name, service.kind)
    platform.delete_app(present.name)
    kept = tuple(service.name for service in services if service not in own)
    return Deleted(present, tuple(service.name for service in own), kept)


def delete_all(
    platform: Platform, found: Iterable[Stale], user: User
) -> Iterator[tuple[Stale, Deleted | DeTasksError]]:
    """Delete previews one by one; what went wrong with one does not stop the others."""
    for item in found:
        try:
            yield item, delete(platform, item.preview, user)
        except DeTasksError as error:
            yield item, error


def may_delete(user: User, preview: Preview) -> bool:
    """Whether the platform lets this user delete it: only owners and admins delete apps."""
    return user.is_admin or preview.owner == user.username


def stale(
    previews: Iterable[Preview],
    branches: Collection[str],
    longest: timedelta | None,
    user: User,
    now: datetime | None = None,
) -> Iterator[Stale]:
    """What the user may delete since its branch is none of these, or it is older than `longest`."""
    now = now or datetime.now(timezone.utc)
    for preview in previews:
        age = preview.age(now)
        if preview.by_hand or not may_delete(user, preview):
            continue
        if preview.branch not in branches:
            if preview.owner == user.username or age >= JUST_NOW:
                yield Stale(preview, f"branch {preview.branch} is gone")
        elif longest is not None and age > longest:
            yield Stale(preview, f"it was deployed {age.days} days ago")
