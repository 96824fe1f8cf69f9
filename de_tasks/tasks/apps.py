"""apps.*, and the same for the app at hand: create, status, logs, open, restart, cancel,
delete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.config.numbers import whole_number
from de_tasks.config.system import quoted
from de_tasks.errors import Declined, DeTasksError, UsageError
from de_tasks.platform.connect import app_name, find_host, missing
from de_tasks.tasks import status_output
from de_tasks.tasks.app_info import info, users
from de_tasks.tasks.app_settings import apply, export, plan
from de_tasks.tasks.facts import Kept, app_facts, build_facts, facts
from de_tasks.tasks.init import TEMPLATE
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import connect, needs_no_answer, settings, task
from de_tasks.tasks.transfer import transfer
from de_tasks.tasks.update import update
from de_tasks.terminal import browser, console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.platform.models import App, Build, LogLine
    from de_tasks.project.scaffold.plan import ScaffoldPlan
    from de_tasks.tasks.values import Deletion, Existence, Restart

LINES = 200
"""Of a log, where nothing else is said."""


def _would_create(context: invoke.Context, given: Facts) -> str:
    app = app_name(settings(context), given.get("name"))
    files = f", and write its files to {given['path'] or app}" if given["template"] else ""
    return f"create app {app} on {find_host(settings(context)).name}{files}"


@task(
    changes=_would_create,
    facts=app_facts,
    help={
        "template": TEMPLATE,
        "path": "Folder for the template's files (default: the app's name)",
    },
)
def create(context: invoke.Context, name: str = "", template: str = "", path: str = "") -> App:
    """Initialize an app on Dash Enterprise, without deploying it.

    The app's title is its name. With --template its folder is written too, ready to deploy.

        de-tasks apps create --name my-app
        de-tasks apps create --name my-app --template dash
    """
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    target = Path(path or wanted).expanduser()
    if path and not template:
        raise UsageError("--path is the folder for a template's files: give --template too.")
    planned = _from_template(target, wanted, template) if template else None
    app = connection.platform.create_app(wanted)
    console.done(f"App {app.name} was initialized on [{connection.host.name}].")
    if planned is None:
        console.following(typed(f"deploy --name {wanted}"))
        return app
    from de_tasks.project.scaffold.files import write

    for kind in planned.services:
        service = connection.platform.attach_service(wanted, kind)
        console.done(f"Service {service} was attached to app {wanted}.")
    written = [file.path for file in write(target, planned.files)]
    console.note(f"Wrote {', '.join(written)} to {target}")
    for words in planned.words:
        console.note(words)
    console.note(
        f"Deploy it: {typed(f'deploy --path {quoted(target.as_posix())} --name {wanted}')}"
    )
    return app


def _from_template(target: Path, app: str, template: str) -> ScaffoldPlan:
    from de_tasks.project.scaffold import plan

    choices = plan.Choices(app, template, without=("makefile", "pre-commit", "ci"))
    return plan.plan(target, choices)


@task(changes=READS, name="list", default=True)
def list_apps(context: invoke.Context, json: bool = False) -> list[App]:
    """List the apps that you own and co-own; for admins, all apps.

    Each page is printed as it comes.
    """
    found = Kept(connect(context).platform.apps())
    if json:
        console.result_json_list(app_facts(app) for app in found)
    else:
        status_output.show_all(found)
    return found.all()


def _existence(found: Existence) -> dict[str, object]:
    return {"name": found.name, "host": found.host, "exists": found.exists}


@task(
    changes=READS,
    facts=_existence,
    help={"exit_code": "Exit with 1 when the app does not exist"},
)
def exists(context: invoke.Context, name: str = "", exit_code: bool = False) -> Existence:
    """Say whether an app exists.

    The answer is the one line `App [NAME] exists on [HOST].` or `App [NAME] does not exist on
    [HOST].`, and the exit code is 0 either way: with --exit-code it is 1 for no. An app that
    you may not manage does not exist for you, though its name is taken.
    """
    from de_tasks.tasks.values import Existence

    connection = connect(context)
    wanted, host = app_name(connection.settings, name), connection.host.name
    found = Existence(wanted, host, connection.platform.app(wanted) is not None)
    console.result(f"App [{wanted}] {'exists' if found else 'does not exist'} on [{host}].")
    if exit_code and not found:
        raise DeTasksError("", value=found)
    return found


def _would_delete(context: invoke.Context, given: Facts) -> str:
    values = settings(context)
    app, host = app_name(values, given["name"]), find_host(values).name
    services = ", and its services with all their data" if given["with_services"] else ""
    return f"delete app {app} from {host} with its code and logs{services}"


WITH_SERVICES = {"with_services": "Delete the attached services too, with all their data"}


@task(changes=_would_delete, facts=facts, help=WITH_SERVICES)
def delete(
    context: invoke.Context, name: str = "", with_services: bool = False, yes: bool = False
) -> Deletion:
    """Delete an app from Dash Enterprise, with its code and logs.

    On a terminal you are asked to type the app's name; without one -y is needed. The attached
    services stay, with their data, unless --with-services is given.
    """
    return _delete(context, name, with_services, yes, spelled_out=False)


@task(changes=_would_delete, facts=facts, name="delete", help=WITH_SERVICES)
def delete_named(
    context: invoke.Context, name: str = "", with_services: bool = False, yes: bool = False
) -> Deletion:
    """Delete an app from Dash Enterprise, with its code and logs.

    On a terminal you are asked to type the app's name. Without one nobody is asked, as the
    reference has it for scripts, where the app is named with --name; else -y is needed. The
    attached services stay, with their data, unless --with-services is given, which needs -y too.
    """
    return _delete(context, name, with_services, yes, spelled_out=bool(name) and not with_services)


def _delete(
    context: invoke.Context, name: str, with_services: bool, yes: bool, spelled_out: bool
) -> Deletion:
    from de_tasks.tasks.values import Deletion

    values = settings(context)
    wanted = app_name(values, name)
    question = f"Delete {wanted} from {find_host(values).name}"
    agreed = needs_no_answer(f"{question}?", yes, spelled_out)
    connection = connect(context)
    own = [s for s in connection.platform.attached(wanted) if s.apps == (wanted,)]
    names = ", ".join(f"{s.name} ({s.kind})" if s.name else s.kind for s in own)
    question += f" with {names}?" if with_services and own else "?"
    if not agreed and not console.type_to_confirm(f"{question} Type its name to confirm:", wanted):
        raise Declined("Nothing was deleted.")
    connection.platform.delete_app(wanted, own if with_services else ())
    console.done(f"App {wanted} was deleted from [{connection.host.name}].")
    if own and not with_services:
        console.note(f"Its services are kept, with their data: {names}")
    elif own:
        console.done(f"Its services were deleted with their data: {names}")
    services = tuple(service.name or service.kind for service in own)
    gone, kept = (services, ()) if with_services else ((), services)
    return Deletion(wanted, connection.host.name, gone, kept)


@task(changes="restart all processes of app {app} on {host}", facts=facts)
def restart(context: invoke.Context, name: str = "") -> Restart:
    """Restart all processes of an app, and return when it answers again.

    Prints `Restarting PROCESS for app NAME` for each process. The old processes serve until
    the new ones answer; where these do not, the old ones go on and the command fails.
    """
    from de_tasks.tasks.values import Restart

    connection = connect(context)
    wanted = app_name(connection.settings, name)
    done = Restart(wanted, connection.host.name, tuple(connection.platform.restart(wanted)))
    for process in done.processes:
        console.done(f"Restarting {process} for app {wanted}")
    return done


@task(
    changes="cancel the build of app {app} on [{host}] that has not ended",
    facts=build_facts,
    help={"build": "Number of the build in history (default: the latest that has not ended)"},
)
def cancel(context: invoke.Context, name: str = "", build: str = "") -> Build:
    """Cancel a build of an app that is queued or running. The last good build keeps serving.

    Who waits for it, as `deploy` does, hears who has cancelled it, and fails with code 3.
    """
    if build:
        whole_number(build, "--build", least=1)
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    done = connection.platform.cancel_build(wanted, build)
    console.done(f"Build {done.id} of {wanted} was cancelled.")
    return done


@task(changes=READS, facts=app_facts)
def status(context: invoke.Context, name: str = "") -> App:
    """Show how an app is doing: its build, its processes, its address."""
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    app = connection.platform.app(wanted)
    if app is None:
        raise missing(wanted, connection.host.name)
    status_output.show(app, connection.host.name)
    return app


@task(changes=READS, facts=app_facts, name="status")
def build_status(context: invoke.Context, name: str = "") -> App:
    """Print the build status of an app: queued, building, built or failed.

    An app that was never deployed has none, and a sentence says so.
    """
    from de_tasks.platform.models import NEVER_DEPLOYED

    connection = connect(context)
    wanted = app_name(connection.settings, name)
    app = connection.platform.app(wanted)
    if app is None:
        raise missing(wanted, connection.host.name)
    console.result(app.build.status if app.build else NEVER_DEPLOYED)
    return app


@task(
    changes=READS,
    iterable=["process_name"],
    help={
        "type": "build or runtime",
        "count": f"How many of the latest lines (default: {LINES})",
        "process_name": "Process of the Procfile, for runtime logs (default: web)",
        "all": "Lines of all processes, in the order of time",
        "since": "Only lines since then: 30s, 10m, 2h or 1d ago, or 2026-01-31T14:00 (UTC)",
        "timestamps": "Say when each line was written (UTC)",
        "follow": "Go on until Ctrl-C, or until the build has ended",
        "verbose": "At a terminal, show the frames of libraries in tracebacks, too",
    },
)
def logs(
    context: invoke.Context,
    name: str = "",
    type: str = "runtime",
    count: str = "",
    process_name: Sequence[str] = (),
    all: bool = False,
    since: str = "",
    timestamps: bool = False,
    follow: bool = False,
    verbose: bool = False,
    json: bool = False,
) -> list[LogLine]:
    """Print the log of an app's last build, or of its processes.

    Of a traceback, a terminal shows the app's own frames; elsewhere each line is as it was written.

    de-tasks apps logs --name my-app --type build --count 50
    de-tasks apps logs --name my-app --type runtime --process-name worker
    de-tasks apps logs --name my-app --all --since 10m --follow
    """
    from de_tasks.errors import NotFound
    from de_tasks.platform import logs as reading
    from de_tasks.platform.models import NEVER_DEPLOYED
    from de_tasks.tasks import log_output

    if type not in ("build", "runtime"):
        raise UsageError(f"--type is build or runtime, not {type!r}.")
    if type == "build" and all:
        raise UsageError("A build has one log: leave --all out.")
    if all and process_name:
        raise UsageError("Give --process-name or --all, not both.")
    lines = whole_number(count, "--count", least=1) if count else None if since else LINES
    wanted = reading.Wanted(lines, reading.since(since) if since else "")
    connection = connect(context, json)
    app_named = app_name(connection.settings, name)
    platform, host = connection.platform, connection.host.name
    app = platform.app(app_named)
    if app is None:
        raise missing(app_named, host)
    if app.build is None:
        raise NotFound(NEVER_DEPLOYED)
    log: reading.BuildLog | reading.ProcessLogs
    if type == "build":
        log = reading.BuildLog(platform, host, app_named, wanted)
    else:
        processes = app.processes if all else reading.chosen(app, process_name or ("web",))
        log = reading.ProcessLogs(platform, host, app_named, processes or ("web",), wanted, all)
    several = isinstance(log, reading.ProcessLogs) and len(log.processes) > 1
    show = log_output.Shown(
        json,
        timestamps,
        several=all or len(process_name) > 1,
        serving=app.live.id if app.live else "",
        whole=verbose or type == "build",
    )
    kept: list[LogLine] = []
    said: set[str] = set()
    for found in reading.followed(log) if follow else [log.read()]:
        for words in reading.caveats(found, app, all, several, timestamps):
            if words not in said:
                console.note(words)
                said.add(words)
        show(found)
        if log.cut:
            log.cut = False
            console.note(f"There are more than {wanted.asked - 1} lines: --count N shows more.")
        # What is followed until Ctrl-C returns nothing, and may be long.
        kept += found if type == "build" or not follow else ()
    show.end()
    return kept


@task(changes="open app {app} on {host} in the browser", facts=app_facts, name="open")
def open_app(context: invoke.Context, name: str = "") -> App:
    """Open an app in the browser, and print its address."""
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    app = connection.platform.app(wanted)
    if app is None:
        raise missing(wanted, connection.host.name)
    console.result(app.url)
    browser.open_page(connection.host.own(app.url))
    return app


ns = Collection(
    "apps", create, list_apps, exists, build_status, logs, update, restart, delete_named
)
for more in (info, users, transfer, export, plan, apply):
    ns.add_task(more)
ns.__doc__ = "Apps on Dash Enterprise."
