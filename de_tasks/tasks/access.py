"""access.*: who may see what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.errors import NotFound, NotPermitted, UsageError
from de_tasks.tasks.facts import people_facts
from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import connect, task
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.platform.access import AppAccess, Way
    from de_tasks.platform.models import People

ALL = {"all": "Of all apps; for admins"}
HEADS = ("app", "owner", "access", "co-owners", "co-owner groups", "viewers", "viewer groups")


def _access(found: Sequence[AppAccess]) -> list[dict[str, object]]:
    return [
        {
            "app": one.app,
            "owner": one.owner,
            "access": one.level,
            "co_owners": people_facts(one.co_owners),
            "viewers": people_facts(one.viewers),
        }
        for one in found
    ]


@task(
    changes=READS,
    facts=_access,
    name="list",
    default=True,
    help={**ALL, "csv": "Print comma-separated values, lists in them with semicolons"},
)
def list_access(context: invoke.Context, all: bool = False, csv: bool = False) -> list[AppAccess]:
    """List owner, co-owners, viewers and access level of the apps that you manage.

    The levels are restricted (owner, co-owners, viewers and admins may open the app),
    authenticated (everybody who is logged in) and unauthenticated (everybody).
    """
    found = sorted(connect(context).platform.access(all), key=lambda one: one.app)
    if csv:
        _print_csv(found)
        return found
    rows = [
        (one.app, one.owner, one.level, _words(one.co_owners), _words(one.viewers)) for one in found
    ]
    none = f"You manage no apps here yet. Deploy one: {typed('deploy')}"
    console.table(("APP", "OWNER", "ACCESS", "CO-OWNERS", "VIEWERS"), rows, none)
    return found


def _print_csv(found: Sequence[AppAccess]) -> None:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for one in found:
        lists = [names for p in (one.co_owners, one.viewers) for names in _lists(p)]
        writer.writerow([_cell(cell) for cell in (one.app, one.owner, one.level, *lists)])
    console.result(text.getvalue().rstrip("\n"))


def _lists(people: People | None) -> tuple[str, str]:
    return (";".join(people.users), ";".join(people.groups)) if people is not None else ("", "")


def _cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _words(people: People | None) -> str:
    if people is None:
        return "?"
    return ", ".join([*people.users, *(f"group {name}" for name in people.groups)]) or "-"


def _ways(found: Sequence[Way]) -> list[dict[str, str]]:
    return [{"app": way.app, "may": way.may, "by": way.by} for way in found]


@task(
    changes=READS,
    facts=_ways,
    positional=["username"],
    help={**ALL, "username": "Whose access"},
)
def user(context: invoke.Context, username: str, all: bool = False) -> list[Way]:
    """List what a person may open or manage among the apps that you manage, and why.

    Which groups somebody is in, only admins and the person are told; for others, a group is
    named as a condition.
    """
    from de_tasks.platform.access import Account, ways

    if not username.strip():
        raise UsageError("Say whose access: a user name is missing.")
    platform = connect(context).platform
    name = username.strip().lower()
    try:
        account = platform.account(name)
    except NotPermitted:
        account = Account(name)
    if account is None:
        raise NotFound(f"There is no user {name!r}.")
    apps = sorted(platform.access(all), key=lambda one: one.app)
    found = [way for app in apps for way in ways(account, app)]
    if found:
        console.table(("APP", "MAY", "BY"), [(way.app, way.may, way.by) for way in found])
    else:
        console.note(f"{name} may open none of these {len(apps)} apps.")
    return found


ns = Collection("access", list_access, user)
ns.__doc__ = "Who may see and manage which app."
