"""apps.export, apps.plan and apps.apply: the settings of apps as `invoke.yaml` lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invoke

from de_tasks.config.files import top
from de_tasks.config.paths import inside
from de_tasks.errors import Declined, DeTasksError, NotAvailable, OutOfStep, UsageError
from de_tasks.platform.connect import app_name, missing
from de_tasks.tasks.fleet_list import listed
from de_tasks.tasks.invoke_options import READS, Facts, is_dry
from de_tasks.tasks.settings_output import applied_facts, plan_facts, show, show_applied
from de_tasks.tasks.task import configuration, connect, settings, task, waits
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.apps import FleetApp
    from de_tasks.deployment.settings.apply import Applied
    from de_tasks.deployment.settings.apps import AppWithSettings, Ways
    from de_tasks.deployment.settings.plan import Pruning
    from de_tasks.platform.connect import Connection
    from de_tasks.tasks.values import PlannedSettings

ALL = "All apps of de.apps"
PRUNE = {
    "prune": "Remove what the lists do not have: tags, people, variables; never services",
    "prune_service": "Delete this service, which the list does not have, with all its data",
}
KEPT = "No settings were changed."
KeepPicture = Callable[[str, bytes], str]
"""Keeps the picture of an app; returns the path as it stands in `invoke.yaml`."""
GIVE_UP = "Proceed even if you lose your own right to manage the app"


@task(
    changes=READS,
    facts=plan_facts,
    iterable=["prune_service"],
    help={"all": ALL, **PRUNE},
)
def plan(
    context: invoke.Context,
    name: str = "",
    all: bool = False,
    prune: bool = False,
    prune_service: Sequence[str] = (),
) -> list[PlannedSettings]:
    """Show what apps.apply would change: what the app has against what invoke.yaml lists.

    Exits with 0 if nothing differs and with 6 if something does, so that a CI job finds it. What
    is not listed stays, and is no difference without --prune. Values of variables are compared
    where the file says where they are from, and never shown.
    """
    from de_tasks.deployment.settings.plan import Pruning

    pruning = Pruning(prune, tuple(prune_service))
    found = planned_settings(_chosen(context, name, all), pruning)
    _check_pruned(found, pruning)
    for one in found:
        show(one)
    _check(found)
    return found


def _check(found: Sequence[PlannedSettings]) -> None:
    """Raise what the exit code is to say of plans."""
    failed = [one.error for one in found if one.error]
    if failed:
        codes = {error.code for error in failed}
        code = codes.pop() if len(codes) == 1 else 1
        raise DeTasksError("\n".join(map(str, failed)), code=code, value=found)
    plans = [one.compared for one in found if one.compared]
    differ = [one.plan.app for one in plans if not one.plan.in_step]
    if differ:
        console.note(f"To make these changes: {typed('apps.apply')}")
        raise OutOfStep("", value=found)
    if any(one.state is None for one in plans):
        raise NotAvailable("Not available through `de`: what the apps have.", value=found)


def _would_apply(context: invoke.Context, given: Facts) -> str:
    apps = _chosen(context, given["name"] or "", given["all"])
    return f"apply the settings of {', '.join(app.name for app in apps)}"


@task(
    changes=_would_apply,
    facts=applied_facts,
    iterable=["prune_service"],
    help={"all": ALL, **PRUNE, "give_up_access": GIVE_UP},
)
def apply(
    context: invoke.Context,
    name: str = "",
    all: bool = False,
    prune: bool = False,
    prune_service: Sequence[str] = (),
    give_up_access: bool = False,
    yes: bool = False,
) -> list[Applied]:
    """Give apps the settings that invoke.yaml lists, after showing the changes and asking.

    All settings of an app are one request. Afterwards the plan is made again, and an app that
    has what is listed is `in step`. After a failure the same command does what is left. An app
    that has changed since its plan was shown is left as it is.
    """
    from de_tasks.deployment.settings.plan import Pruning

    pruning = Pruning(prune, tuple(prune_service))
    found = bring_in_step(
        _chosen(context, name, all), pruning, yes=yes, give_up_access=give_up_access
    )
    check_applied(found)
    return found


def bring_in_step(
    apps: Sequence[AppWithSettings],
    pruning: Pruning,
    yes: bool,
    give_up_access: bool = False,
    out: bool = True,
) -> list[Applied]:
    """Plan, show, ask, apply, and plan again. One app's failure stops no other; what there is to
    read goes to stdout or else to stderr.

    Raises `Declined` if somebody says no.
    """
    from de_tasks.deployment.settings.apply import Applied, apply, gives_up_access
    from de_tasks.deployment.settings.plan import removals

    planned = planned_settings(apps, pruning)
    _check_pruned(planned, pruning)
    for one in planned:
        show(one, out)
    there = [one.compared for one in planned if one.compared]
    to_do = [c for c in there if (c.plan.lines or c.state is None) and not c.plan.blocked]
    if to_do:
        names = ", ".join(f"{c.plan.app} on {c.plan.host}" for c in to_do)
        gone = list(removals([c.plan for c in to_do]))
        removing = f"This removes {', '.join(gone)}. " if gone else ""
        if not console.confirm(f"{removing}Apply these changes to {names}?", yes):
            raise Declined(KEPT)
    for compared in to_do:
        if not give_up_access and gives_up_access(compared):
            _ask_again(compared.plan.app, yes)
    done: list[Applied] = []
    for entry in planned:
        if entry.compared is None:
            errors = (entry.error,) if entry.error else ()
            done.append(Applied(entry.name, errors=errors))
            continue
        try:
            done.append(apply(entry.compared, pruning))
        except DeTasksError as error:
            done.append(Applied(entry.name, left=entry.compared.plan.lines, errors=(error,)))
        show_applied(done[-1], unseen=entry.compared.state is None, out=out)
    return done


def _ask_again(app: str, yes: bool) -> None:
    question = f"You will no longer be able to manage {app} yourself. Go through with it?"
    if yes or not console.interactive():
        raise UsageError(f"{question} Give --give-up-access too. {KEPT}")
    if not console.confirm(question, False):
        raise Declined(KEPT)


def check_applied(found: Sequence[Applied]) -> None:
    """Raise for what was not done."""
    if failure := failure_of(found):
        raise failure


def failure_of(found: Sequence[Applied]) -> DeTasksError | None:
    """What was not done, with the code of the failures if they agree, else 1."""
    errors = [error for one in found for error in one.errors]
    left = [one.app for one in found if one.left and not one.errors]
    if not errors and not left:
        return None
    codes = {error.code for error in errors}
    code = codes.pop() if len(codes) == 1 and not left else 1
    lines = [_of_app(one.app, str(error)) for one in found for error in one.errors]
    lines += [f"{app} still differs from what is listed." for app in left]
    lines.append(f"For what is left: {typed('apps.apply')}")
    return DeTasksError("\n".join(dict.fromkeys(lines)), code=code, value=found)


def _of_app(app: str, words: str) -> str:
    """An error with the app that it is about, where it does not say so."""
    return words if re.search(rf"(?<![\w-]){re.escape(app)}(?![\w-])", words) else f"{app}: {words}"


def planned_settings(apps: Sequence[AppWithSettings], pruning: Pruning) -> list[PlannedSettings]:
    from de_tasks.deployment.settings.apply import compare
    from de_tasks.tasks.values import PlannedSettings

    found = []
    for app in apps:
        try:
            found.append(PlannedSettings(app.name, compare(app, pruning)))
        except DeTasksError as error:
            found.append(PlannedSettings(app.name, error=error))
    return found


def _check_pruned(found: Sequence[PlannedSettings], pruning: Pruning) -> None:
    """Raise `UsageError` for a service that is to go and that no plan removes."""
    seen = [one.compared for one in found if one.compared]
    if any(one.error for one in found) or any(one.state is None for one in seen):
        return  # What nobody has read may have it.
    gone = {service.name for one in seen for service in one.plan.remove_services}
    there = {s.name for one in seen if one.state for s in one.state.details.services}
    for name in pruning.services:
        if name not in there:
            raise UsageError(f"--prune-service {name}: none of these apps has this service.")
        if name not in gone:
            raise UsageError(
                f"--prune-service {name}: invoke.yaml lists its type, or no services at all. "
                "List the services that stay: services: []"
            )


def _chosen(context: invoke.Context, name: str, all: bool) -> list[AppWithSettings]:
    from de_tasks.deployment.settings.apps import choose

    return choose(settings(context), Path(top()), _ways(context), name, all)


def _ways(context: invoke.Context) -> Ways:
    from de_tasks.deployment.fleets.connections import Connections
    from de_tasks.deployment.settings.apps import Ways

    return Ways(
        lambda: listed(context, folders=False),
        Connections(configuration(context), waits()).to,
        _once(lambda: connect(context)),
    )


def _once(make: Callable[[], Connection]) -> Callable[[], Connection]:
    from functools import cache

    return cache(make)


def _as_it_is(document: dict[str, Any]) -> dict[str, Any]:
    return document


@task(
    changes=READS,
    facts=_as_it_is,
    help={"all": "All apps of de.apps; without de.apps, all that you manage"},
)
def export(context: invoke.Context, name: str = "", all: bool = False) -> dict[str, Any]:
    """Print the settings that an app has, as they are listed in invoke.yaml.

    Of variables the names are printed, never the values. A thumbnail is written beside
    invoke.yaml, as NAME-thumbnail.png or .jpeg. What is printed plans to nothing.
    """
    from de_tasks.deployment.fleets.apps import FleetApp
    from de_tasks.deployment.settings.export import as_yaml

    if all and name:
        raise UsageError("--all contradicts --name: give one of them.")
    values, root = settings(context), Path(top())
    keep = _keep(root, write=not is_dry(context))
    if not all:
        connection = connect(context)
        wanted = app_name(values, name)
        document: dict[str, Any] = {"de": {"settings": _section(connection, wanted, keep)}}
    else:
        ways = _ways(context)
        if values.apps:
            fleet = ways.listed()
        else:
            found = list(ways.single().platform.apps())
            fleet = tuple(FleetApp(app.name, root / app.name) for app in found)
        entries = [_entry(app, root, ways, keep) for app in fleet]
        document = {"de": {"apps": entries}}
    console.result(as_yaml(document))
    return document


def _entry(app: FleetApp, root: Path, ways: Ways, keep: KeepPicture) -> dict[str, object]:
    path = inside(app.folder, root)
    found: dict[str, object] = {"name": app.name}
    found |= {"path": path} if path != app.name else {}
    found |= {"host": app.host} if app.host else {}
    connection = ways.fleet(app) if app.own else ways.single()
    return found | {"settings": _section(connection, app.name, keep)}


def _section(connection: Connection, name: str, keep: KeepPicture) -> dict[str, object]:
    from de_tasks.deployment.settings.export import settings_of

    details = connection.platform.details(name)
    if details is None:
        raise missing(name, connection.host.name)
    picture = connection.platform.thumbnail(details)
    return settings_of(details, keep(name, picture) if picture else "")


def _keep(root: Path, write: bool) -> KeepPicture:
    """Keeps the pictures of apps as files in a folder."""
    from de_tasks.deployment.settings.export import thumbnail_file

    def keep(name: str, picture: bytes) -> str:
        path = root / thumbnail_file(name, picture)
        try:
            if path.exists() and path.read_bytes() != picture:
                raise DeTasksError(f"{path} is another picture than {name} has. Move it away first")
            if write and not path.exists():
                path.write_bytes(picture)
                console.note(f"Wrote {path}, the thumbnail of {name}.")
        except OSError as error:
            raise DeTasksError(f"{path} cannot be written: {error.strerror}.") from None
        return path.name

    return keep
