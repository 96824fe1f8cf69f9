"""Who may open and manage which app, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from de_tasks.platform.models import People

SEATED = ("licensed_user", "admin")
"""The roles that have a license seat, without which nobody manages an app."""


@dataclass(frozen=True)
class AppAccess:
    """Who has to do with an app; `co_owners` is None where the server does not tell."""

    app: str
    owner: str
    level: str
    viewers: People
    co_owners: People | None = None


@dataclass(frozen=True)
class Account:
    """A user. `role` is admin, licensed_user or viewer; it is empty and `groups` None where the
    server does not tell them to this caller."""

    username: str
    role: str = ""
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Way:
    """What a person may do with an app, and why: `co-owner through group analysts`."""

    app: str
    may: Literal["manage", "open"]
    by: str


def ways(account: Account, found: AppAccess) -> Iterator[Way]:
    """Every way by which a person may manage or open an app, managing first.

    Where the groups of the person are not known, those of the app are named as a condition.
    """
    seated = account.role in ("", *SEATED)
    if account.role == "admin":
        yield Way(found.app, "manage", "admin")
    if seated and found.owner == account.username:
        yield Way(found.app, "manage", "owner")
    if seated and found.co_owners:
        for by in _through(account, found.co_owners, "co-owner"):
            yield Way(found.app, "manage", by)
    if found.level == "unauthenticated":
        yield Way(found.app, "open", "everybody")
    elif found.level == "authenticated":
        yield Way(found.app, "open", "everybody who is logged in")
    else:
        # Without a seat, owners and co-owners may open still.
        relations = [(found.viewers, "viewer")]
        if not seated:
            relations.append((found.co_owners or People(), "co-owner"))
            if found.owner == account.username:
                yield Way(found.app, "open", "owner")
        for people, relation in relations:
            for by in _through(account, people, relation):
                yield Way(found.app, "open", by)


def _through(account: Account, people: People, relation: str) -> Iterator[str]:
    if account.username in people.users:
        yield relation
    for group in people.groups:
        if account.groups is None:
            yield f"{relation}, if a member of group {group}"
        elif group in account.groups:
            yield f"{relation} through group {group}"
