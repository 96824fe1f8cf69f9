"""deploy, the command that people type every day; diff, history and rollback beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.numbers import whole_number
from de_tasks.config.project import origin_of_app
from de_tasks.deployment.begin import deploy_of, plan_of, remote, repository, with_history
from de_tasks.errors import Declined, UsageError
from de_tasks.platform.connect import app_name, missing
from de_tasks.tasks import ci, deploy_settings
from de_tasks.tasks.ages import ago
from de_tasks.tasks.app_settings import check_applied
from de_tasks.tasks.deploy_output import shown
from de_tasks.tasks.facts import build_facts
from de_tasks.tasks.invoke_options import ITS_DRY_RUN, READS, Facts
from de_tasks.tasks.task import connect, settings, task
from de_tasks.terminal import console, style
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from de_tasks.deployment.plan import Outcome
    from de_tasks.platform.models import App, Build
    from de_tasks.tasks.values import Difference

REF = "Deploy this commit of the folder's repository, not the files as they are"
NO_CHECK = "Deploy also what the check finds unable to run"
VERBOSE = "Show the whole log of the build, with the frames of libraries in it"


@task(
    changes=ITS_DRY_RUN,
    help={
        "message": "What changed, for the deploy's commit",
        "ref": REF,
        "dry_run": "Say what would be deployed, and send nothing",
        "no_check": NO_CHECK,
        "no_wait": "Return when the server has the files; the build goes on",
        "apply": "Give the app the settings that invoke.yaml lists, too: before the deploy, and "
        "after it what was not possible before",
        "no_overwrite": "Refuse to overwrite what another account has deployed",
        "timeout": "Seconds that build and start may take (default: 900)",
        "verbose": VERBOSE,
        "json": "Print JSON, a line for each event: plan, step, progress, log, wait, done",
    },
)
def deploy(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    message: str = "",
    ref: str = "",
    timeout: str = "",
    dry_run: bool = False,
    no_check: bool = False,
    no_wait: bool = False,
    no_overwrite: bool = False,
    apply: bool = False,
    verbose: bool = False,
    yes: bool = False,
    json: bool = False,
) -> Outcome:
    """Deploy the app of a folder, follow its build, and wait until it answers."""
    from de_tasks.appspec import check_folder
    from de_tasks.deployment.intended import branch_question, check_single
    from de_tasks.repo.source import find_commit

    if timeout:
        whole_number(timeout, "--timeout", least=1)
    values = settings(context, path=path, timeout=timeout)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    check_single(values, folder)
    wanted = app_name(values, name)
    asked = "" if ref or dry_run else branch_question(values, folder, wanted)
    if asked and not console.confirm(asked, yes):
        raise Declined("Nothing was deployed.")
    source = find_commit(folder, ref) if ref else folder
    connection = connect(context, json, path=path)
    listed = deploy_settings.of_deploy(context, connection, values, wanted, folder) if apply else []
    later = [app for app in listed if app.wanted.scale]
    if later and no_wait:
        raise UsageError("--apply scales processes once the app is deployed: leave --no-wait out.")
    if listed and dry_run:
        deploy_settings.preview(listed)
    plan = plan_of(
        connection,
        values,
        name=wanted,
        source=source,
        confirm=lambda question: console.confirm(question, yes),
        message=message,
        dry_run=dry_run,
        wait=not no_wait,
        overwrite=not no_overwrite,
        check=not no_check,
        origin="" if name else origin_of_app(context.config, path),
        prepare=(lambda: deploy_settings.apply_to_deploy(listed, yes)) if listed else None,
    )
    with ci.failures(wanted), shown(json, verbose) as tell:
        done = deploy_of(plan, values, connection, tell).run()
    ci.report(done)
    if not dry_run:
        check_applied(deploy_settings.apply_quietly(later))
    return done


def _difference(found: Difference) -> dict[str, object]:
    return {"name": found.name, "changed": found.changed, "text": found.text}


@task(
    changes=READS,
    facts=_difference,
    help={
        "stat": "How many lines of each file (the default on a terminal is the text)",
        "names": "Only the names of the files, with A, M or D",
        "ref": REF.replace("Deploy", "Compare"),
    },
)
def diff(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    ref: str = "",
    stat: bool = False,
    names: bool = False,
) -> Difference:
    """Show what a deploy would change against what is deployed."""
    from de_tasks.appspec import check_folder
    from de_tasks.repo.source import find_commit
    from de_tasks.tasks.values import Difference

    if stat and names:
        raise UsageError("--stat and --names contradict each other: give one of them.")
    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    wanted = app_name(values, name)
    source = find_commit(folder, ref) if ref else folder
    connection = with_history(connect(context, path=path), wanted)
    app = connection.platform.app(wanted)
    if app is None:
        raise missing(wanted, connection.host.name)
    form = "--stat" if stat else "--name-status" if names else "--patch"
    with repository(values, connection, wanted).snapshot(source, console.note) as snapshot:
        there = app.build is not None and app.build.status == "built"
        way = remote(connection, values.branch, app.git_url)
        text = snapshot.compare(way, form, "--no-renames", there=there)
    if text:
        console.patch(text.rstrip("\n"))
    elif there:
        console.note(f"{wanted} is deployed as the folder is: nothing would change.")
    else:
        console.note(_pushed_in_vain(app))
    return Difference(wanted, text)


def _pushed_in_vain(app: App) -> str:
    """What is true of an app that has the folder's files, and serves others or nothing."""
    last = f"its build {app.build.id} is {app.build.status}" if app.build else "it has no build"
    serves = f"build {app.live.id} serves" if app.live else "nothing serves"
    return f"{app.name} was pushed as the folder is, but {last}: {serves}."


def _builds(found: Sequence[Build]) -> list[dict[str, object]]:
    return [build_facts(build) for build in found]


@task(
    changes=READS,
    facts=_builds,
    help={"count": "How many of the latest deploys (default: 20)"},
)
def history(context: invoke.Context, name: str = "", count: str = "20") -> list[Build]:
    """List the deploys of an app: when, who, from which commit, and how they ended."""
    from itertools import islice

    from de_tasks.platform.models import NEVER_DEPLOYED

    number = whole_number(count, "--count", least=1)
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    connection = with_history(connection, wanted)
    if connection.platform.app(wanted) is None:
        raise missing(wanted, connection.host.name)
    found = list(islice(connection.platform.builds(wanted), number))
    if found:
        _show(found)
    elif style.for_people():
        deploy_it = typed(f"deploy --name {wanted}")
        console.line(f"{wanted} has not been deployed. Deploy it: {deploy_it}", out=True)
    else:
        console.result(NEVER_DEPLOYED)
    return found


def _would_roll_back(context: invoke.Context, given: Facts) -> str:
    which = f"build {given['to']}" if given["to"] else "the last good build before this one"
    return f"put {which} of {app_name(settings(context), given.get('name'))} back"


@task(
    changes=_would_roll_back,
    help={
        "to": "Number of a build, as history has it (default: the last good one before this)",
        "timeout": "Seconds that build and start may take (default: 900)",
        "verbose": VERBOSE,
    },
)
def rollback(
    context: invoke.Context,
    name: str = "",
    to: str = "",
    timeout: str = "",
    verbose: bool = False,
    yes: bool = False,
    json: bool = False,
) -> Outcome:
    """Put an earlier deploy of an app back, as a new deploy."""
    from de_tasks.deployment.rollback import Rollback, find_target, roll_back

    if timeout:
        whole_number(timeout, "--timeout", least=1)
    values = settings(context, timeout=timeout)
    wanted = app_name(values, name)
    connection = with_history(connect(context, json), wanted)
    app = connection.platform.app(wanted)
    if app is None:
        raise missing(wanted, connection.host.name)
    target = find_target(connection.platform, wanted, to)
    question = f"Put build {target.build.id} of {wanted} back: {target.build.subject}?"
    if not console.confirm(question, yes):
        raise Declined("Nothing was changed.")
    way = remote(connection, values.branch, app.git_url)
    with ci.failures(wanted), shown(json, verbose) as tell:
        done = roll_back(
            Rollback(app, target, connection.username, way),
            repository(values, connection, wanted),
            connection.platform,
            tell,
            values.timeout,
        )
    ci.report(done)
    return done


def _show(found: Sequence[Build]) -> None:
    if style.for_people():
        _show_to_people(found)
        return
    heads = ("NUMBER", "WHEN (UTC)", "WHO", "STATUS", "SOURCE", "MESSAGE")
    rows = [(b.id, b.queued, b.author, b.status or "-", _source(b), b.subject) for b in found]
    console.table(heads, rows)


def _source(build: Build) -> str:
    """The commit that a build was made of; of a promoted one, whose it is."""
    promoted = build.promoted
    return f"{promoted.app} {promoted.sha[:7]}" if promoted else build.source or "-"


def _show_to_people(found: Sequence[Build]) -> None:
    """The last good one is what serves."""
    serves = next((build for build in found if build.status == "built"), None)
    looks = {"failed": "failed", "queued": "look", "building": "look"}
    rows: list[tuple[style.Part, ...]] = []
    for build in found:
        live = build is serves
        status = "live" if live else build.status or "-"
        rows.append(
            (
                (style.mark("serves"), "done") if live else "",
                (build.id, "name") if live else build.id,
                ago(build.queued_at),
                build.author,
                (status, "done" if live else looks.get(status, "detail")),
                ", ".join(filter(None, (_source(build), build.lock))),
                (build.error, "failed") if build.error else build.subject,
            )
        )
    console.table(("", "BUILD", "WHEN", "WHO", "STATUS", "FROM", "MESSAGE"), rows)
