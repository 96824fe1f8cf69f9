"""apps.export, apps.plan and apps.apply: the settings of apps as `invoke.yaml` lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invoke

from de_tasks.config.files import top
from de_tasks.errors import DeTasksError, NotAvailable, OutOfStep, UsageError
from de_tasks.platform.connect import app_name, missing
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import configuration, connect, settings, task, waits
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.fleets.apps import FleetApp
    from de_tasks.deployment.fleets.connections import Connections
    from de_tasks.deployment.settings.apply import Applied
    from de_tasks.deployment.settings.apps import AppWithSettings, Ways
    from de_tasks.deployment.settings.plan import PlannedChange, Pruning, SettingsPlan
    from de_tasks.platform.connect import Connection
    from de_tasks.tasks.values import PlannedSettings

ALL = "All apps of de.apps"
COLOURS = {"+": "done", "-": "failed", "~": "look"}
PRUNE = {
    "prune": "Remove what the lists do not have: tags, people, variables; never services",
    "prune_service": "Delete this service, which the list does not have, with all its data",
}
GIVE_UP = "Go through with it where you lose your own right to manage the app"


def _plan_facts(found: Sequence[PlannedSettings]) -> list[dict[str, object]]:
    return [
        _facts_of(one.name, one.compared.plan if one.compared else None, one.error) for one in found
    ]


def _facts_of(
    name: str, plan: SettingsPlan | None, error: DeTasksError | None
) -> dict[str, object]:
    return {
        "name": name,
        "host": plan.host if plan else None,
        "in_step": plan.in_step if plan else False,
        "changes": [_line_facts(line) for line in plan.lines] if plan else [],
        "blocked": list(plan.blocked) if plan else [],
        "unknown": list(plan.unknown) if plan else [],
        "kept": list(plan.kept) if plan else [],
        "failure": str(error) if error else None,
    }


def _line_facts(line: PlannedChange) -> dict[str, object]:
    return {"action": line.action, "what": line.what, "text": line.text or None}


@task(
    changes=READS,
    facts=_plan_facts,
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
    found = _planned(_chosen(context, name, all), pruning)
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


def _applied_facts(found: Sequence[Applied]) -> list[dict[str, object]]:
    return [
        {
            "name": one.app,
            "in_step": bool(one.after and one.after.in_step),
            "done": [_line_facts(line) for line in one.done],
            "unsure": one.unsure,
            "left": [_line_facts(line) for line in one.left],
            "failures": [str(error) for error in one.errors],
        }
        for one in found
    ]


def _would_apply(context: invoke.Context, given: Facts) -> str:
    apps = _chosen(context, given["name"] or "", given["all"])
    return f"apply the settings of {', '.join(app.name for app in apps)}"


@task(
    changes=_would_apply,
    facts=_applied_facts,
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

    Raises `DeTasksError` if somebody says no.
    """
    from de_tasks.deployment.settings.apply import Applied, apply, gives_up_access
    from de_tasks.deployment.settings.plan import removals

    planned = _planned(apps, pruning)
    for one in planned:
        show(one, out)
    there = [one.compared for one in planned if one.compared]
    to_do = [c for c in there if (c.plan.lines or c.state is None) and not c.plan.blocked]
    if to_do:
        names = ", ".join(c.plan.app for c in to_do)
        gone = list(removals([c.plan for c in to_do]))
        removing = f" Removed will be {', '.join(gone)}." if gone else ""
        if not console.confirm(f"{removing} Apply these changes to {names}?".strip(), yes):
            raise DeTasksError("Nothing was changed.")
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
        _show_applied(done[-1], unseen=entry.compared.state is None, out=out)
    return done


def apply_before_deploy(
    connection: Connection, values: Settings, name: str, folder: Path, yes: bool
) -> list[AppWithSettings]:
    """Create the app of a deploy after a yes, and give it its settings; returns it if there are
    settings that only a deployed app takes.

    Raises `DeTasksError` for what could not be done: nothing is to be deployed then.
    """
    from de_tasks.config.files import FILES, nearest
    from de_tasks.deployment.settings.apps import Ways, choose

    root = Path(nearest(str(folder), FILES) or folder)
    ways = Ways(lambda app: connection, lambda: connection)
    apps = choose(values, root, ways, name)
    if connection.platform.app(name) is None:
        host = connection.host.name
        if not console.confirm(f"App {name} is not there on {host} yet. Create it?", yes):
            raise DeTasksError("Nothing was deployed.")
        connection.platform.create_app(name)
    check_applied(apply_quietly(apps, yes))
    return [app for app in apps if app.wanted.scale]


def apply_before_fleet(
    chosen: Sequence[FleetApp], hosts: Connections, values: Settings, yes: bool
) -> tuple[list[AppWithSettings], list[Applied]]:
    """The same for apps of a fleet, which may be created: those that only a deployed app takes
    settings of, and what came of each."""
    from de_tasks.deployment.settings.apps import with_settings

    listed = [app for app in chosen if app.settings or values.settings]
    apps = with_settings(listed, values, Path(top()), hosts.to)
    for app in listed:
        if hosts.platform(app).app(app.name) is None:
            hosts.platform(app).create_app(app.name)
    return [app for app in apps if app.wanted.scale], apply_quietly(apps, yes)


def apply_quietly(apps: Sequence[AppWithSettings], yes: bool) -> list[Applied]:
    """Give apps their settings as a part of a deploy, whose own output stdout is for."""
    from de_tasks.deployment.settings.plan import Pruning

    return bring_in_step(apps, Pruning(), yes=yes, out=False)


def _ask_again(app: str, yes: bool) -> None:
    question = f"You will no longer be able to manage {app} yourself. Go through with it?"
    if yes or not console.interactive():
        raise UsageError(f"{question} Give --give-up-access too. Nothing was changed.")
    if not console.confirm(question, False):
        raise DeTasksError("Nothing was changed.")


def check_applied(found: Sequence[Applied]) -> None:
    """Raise for what was not done: with the code of the failures if they agree, else 1."""
    errors = [error for one in found for error in one.errors]
    left = [one.app for one in found if one.left and not one.errors]
    if not errors and not left:
        return
    codes = {error.code for error in errors}
    code = codes.pop() if len(codes) == 1 and not left else 1
    lines = [_of_app(one.app, str(error)) for one in found for error in one.errors]
    lines += [f"{app} still differs from what is listed." for app in left]
    lines.append(f"For what is left: {typed('apps.apply')}")
    raise DeTasksError("\n".join(dict.fromkeys(lines)), code=code, value=found)


def _of_app(app: str, words: str) -> str:
    """An error with the app that it is about, where it does not say so."""
    return words if app in words else f"{app}: {words}"


def _planned(apps: Sequence[AppWithSettings], pruning: Pruning) -> list[PlannedSettings]:
    from de_tasks.deployment.settings.apply import compare
    from de_tasks.tasks.values import PlannedSettings

    found = []
    for app in apps:
        try:
            found.append(PlannedSettings(app.name, compare(app, pruning)))
        except DeTasksError as error:
            found.append(PlannedSettings(app.name, error=error))
    return found


def show(one: PlannedSettings, out: bool = True) -> None:
    """Print a plan as a diff; what stays or cannot be compared goes to stderr."""
    if one.compared is None:
        return
    found = one.compared.plan
    unseen = one.compared.state is None
    if found.in_step:
        words = "cannot be compared through `de`" if unseen else "in step"
        console.line(f"{found.app} on [{found.host}]: {words}", out=out)
    else:
        console.line(f"{found.app} on [{found.host}]:", out=out)
    for line in found.lines:
        console.line("  ", (line.action, COLOURS[line.action]), f" {_one_line(line)}", out=out)
    for text in found.blocked:
        console.line("  ", ("!", "look"), f" {text}", out=out)
    for text in found.unknown:
        console.note(f"  ? {text}")
    if found.kept:
        console.note(f"  Not listed, and kept: {', '.join(found.kept)}")


def _one_line(line: PlannedChange) -> str:
    from de_tasks.terminal.text import one_line

    return one_line(line.words())


def _show_applied(one: Applied, unseen: bool, out: bool) -> None:
    if one.unsure:
        console.note(f"{one.app}: how much was done is not known, since it cannot be read now.")
    elif one.errors or one.left:
        done = ", ".join(line.what for line in one.done) or "nothing"
        left = ", ".join(line.what for line in one.left) or "nothing"
        console.note(f"{one.app}: done: {done}; not done: {left}")
    elif unseen:
        console.line(f"{one.app}: set; through `de` nobody can say more", out=out)
    elif one.done:
        console.line(f"{one.app}: {_count(one.done)} made, in step", out=out)


def _count(lines: Sequence[PlannedChange]) -> str:
    return f"{len(lines)} change{'' if len(lines) == 1 else 's'}"


def _chosen(context: invoke.Context, name: str, all: bool) -> list[AppWithSettings]:
    from de_tasks.deployment.settings.apps import choose

    return choose(settings(context), Path(top()), _ways(context), name, all)


def _ways(context: invoke.Context) -> Ways:
    from de_tasks.deployment.fleets.connections import Connections
    from de_tasks.deployment.settings.apps import Ways

    return Ways(Connections(configuration(context), waits()).to, _once(lambda: connect(context)))


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

    Of variables the names are printed, never the values; the thumbnail is left out. What is
    printed plans to nothing.
    """
    from de_tasks.deployment.fleets.apps import FleetApp, parse
    from de_tasks.deployment.settings.export import as_yaml

    if all and name:
        raise UsageError("--all contradicts --name: give one of them.")
    values = settings(context)
    if not all:
        connection = connect(context)
        wanted = app_name(values, name)
        document: dict[str, Any] = {"de": {"settings": _section(connection, wanted)}}
    else:
        ways, root = _ways(context), Path(top())
        if values.apps:
            fleet = parse(values.apps, values.shared, root, folders=False)
        else:
            found = list(ways.single().platform.apps())
            fleet = tuple(FleetApp(app.name, root / app.name) for app in found)
        entries = [_entry(app, root, ways) for app in fleet]
        document = {"de": {"apps": entries}}
    console.result(as_yaml(document))
    return document


def _entry(app: FleetApp, root: Path, ways: Ways) -> dict[str, object]:
    here = app.folder.is_relative_to(root)
    path = app.folder.relative_to(root).as_posix() if here else str(app.folder)
    found: dict[str, object] = {"name": app.name}
    found |= {"path": path} if path != app.name else {}
    found |= {"host": app.host} if app.host else {}
    connection = ways.fleet(app) if app.own else ways.single()
    return found | {"settings": _section(connection, app.name)}


def _section(connection: Connection, name: str) -> dict[str, object]:
    from de_tasks.deployment.settings.export import settings_of

    details = connection.platform.details(name)
    if details is None:
        raise missing(name, connection.host.name)
    if details.thumbnail_url:
        console.note(f"{name} has a thumbnail: keep its file, and list it as `thumbnail: PATH`.")
    return settings_of(details)
