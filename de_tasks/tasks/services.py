"""services.*: Redis and Postgres databases of apps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.errors import Declined, DeTasksError, NotFound, UsageError
from de_tasks.platform.connect import app_name as app_of
from de_tasks.tasks.facts import facts, or_text, service_facts
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import connect, needs_no_answer, settings, task
from de_tasks.terminal import console, style
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.platform.models import Service, Verbatim
    from de_tasks.tasks.values import AppService, Existence

APP_NAME = {"app_name": "Name of the app (default: de.app, else the folder's name)"}
KIND = {"type": "redis or postgres"}
SERVICE = {"service_name": "Name of the service (default: APP-TYPE)"}


def _services(found: Sequence[Service]) -> list[dict[str, object]]:
    return [service_facts(service) for service in found]


@task(
    changes=READS,
    facts=_services,
    name="list",
    default=True,
    help={"type": "redis, postgres or all"},
)
def list_services(context: invoke.Context, type: str = "all") -> list[Service]:
    """List the services of your apps; for admins, all services."""
    kinds = _kind(type, also=("all",))
    found = connect(context).platform.services()
    shown = [service for service in found if kinds in ("all", service.kind)]
    people = style.for_people()
    rows = [
        (
            s.name,
            s.kind,
            f"{s.status}, at most {s.memory}" if people and s.memory else s.status,
            ", ".join(s.apps),
        )
        for s in shown
    ]
    # Options take the names of apps: at a terminal no other name is called so.
    name = "SERVICE" if people else "NAME"
    kind = "" if kinds == "all" else f"{kinds} "
    create = typed(f"services.create --type {'postgres' if kinds == 'all' else kinds}")
    none = f"Your apps have no {kind}services. Create one: {create}"
    console.table((name, "TYPE", "STATUS", "APPS"), rows, none)
    return shown


def _existence(found: Existence) -> dict[str, object]:
    return {"name": found.name, "type": found.type, "exists": found.exists}


@task(
    changes=READS,
    facts=_existence,
    help={**KIND, "exit_code": "Exit with 1 when there is none"},
)
def exists(
    context: invoke.Context, name: str = "", type: str = "", exit_code: bool = False
) -> Existence:
    """Say True or False: whether an app has a service of a type.

    The exit code is 0 either way; with --exit-code it is 1 for False.
    """
    from de_tasks.tasks.values import Existence

    kind = _kind(type)
    connection = connect(context)
    wanted = app_of(connection.settings, name)
    there = bool(connection.platform.attached(wanted, [kind]))
    console.result(str(there))
    found = Existence(wanted, connection.host.name, there, kind)
    if exit_code and not found:
        raise DeTasksError("", value=found)
    return found


def _would(verb: str) -> Callable[[invoke.Context, Facts], str]:
    def words(context: invoke.Context, given: Facts) -> str:
        app = app_of(settings(context), given["app_name"])
        return f"{verb} the {_kind(given['type'])} database of app {app}"

    return words


@task(
    changes=_would("create"),
    facts=facts,
    help={**APP_NAME, **KIND, **SERVICE},
)
def create(
    context: invoke.Context, app_name: str = "", type: str = "", service_name: str = ""
) -> AppService:
    """Create a database and attach it to an app, which is restarted to see it.

    The app finds its address, with a password of its own, in REDIS_URL or DATABASE_URL. An app
    has at most one database of each type.
    """
    from de_tasks.tasks.values import AppService

    kind = _kind(type)
    connection = connect(context)
    app = app_of(connection.settings, app_name)
    name = connection.platform.attach_service(app, kind, service_name)
    console.done(f"Service {name} was attached to app {app} on [{connection.host.name}].")
    return AppService(name, kind, app, connection.host.name)


@task(
    changes=_would("limit the memory of"),
    facts=or_text(service_facts),
    help={**APP_NAME, **KIND, "memory": "The most memory, such as 512Mi or 2Gi; none: no limit"},
)
def update(
    context: invoke.Context, app_name: str = "", type: str = "", memory: str = ""
) -> Service | Verbatim:
    """Limit the memory of an app's database; it need not be restarted.

    A database that is full goes on answering what is asked and refuses to take more.
    """
    from de_tasks.platform.models import Verbatim

    kind, wanted = _kind(type), memory.strip()
    if not wanted:
        raise UsageError("Say how much: --memory 512Mi, or --memory none for no limit.")
    connection = connect(context)
    app = app_of(connection.settings, app_name)
    limit = None if wanted.lower() == "none" else wanted
    found = connection.platform.update_service(app, kind, limit)
    if isinstance(found, Verbatim):
        console.result(found.text)
    elif found.memory:
        console.done(f"Service {found.name} may use {found.memory} of memory now.")
    else:
        console.done(f"Service {found.name} has no memory limit now.")
    return found


@task(
    changes=_would("delete"),
    facts=facts,
    help={**APP_NAME, **KIND},
)
def delete(
    context: invoke.Context, app_name: str = "", type: str = "", yes: bool = False
) -> AppService:
    """Delete the database of an app, with all its data.

    On a terminal you are asked first, for the type too where the app has two databases. Without
    a terminal nobody is asked where the app is named with --app-name; else -y is needed. Nothing
    is deleted while another app is attached to it.
    """
    from de_tasks.tasks.values import AppService

    app = app_of(settings(context), app_name)
    kind = _kind(type) if type or not console.interactive() else _attached(context, app)
    question = f"Delete the {kind} database of {app}, with all its data?"
    agreed = needs_no_answer(question, yes, spelled_out=bool(app_name))
    connection = connect(context)
    if not agreed and not console.confirm(question, yes):
        raise Declined("Nothing was deleted.")
    name = connection.platform.delete_service(app, kind)
    console.done(f"Service {name} was deleted from [{connection.host.name}] with its data.")
    return AppService(name, kind, app, connection.host.name)


def _attached(context: invoke.Context, app: str) -> str:
    """The type of an app's database; asks which one where there are two."""
    connection = connect(context)
    kinds = list(dict.fromkeys(one.kind for one in connection.platform.attached(app)))
    if not kinds:
        raise NotFound(
            f"App {app} has no database. Attach one: "
            + typed(f"services.create --type postgres --app-name {app}")
        )
    return kinds[0] if len(kinds) == 1 else console.choose("Which database?", kinds[0], kinds)


def _kind(text: str, also: Sequence[str] = ()) -> str:
    from de_tasks.platform.models import SERVICE_TYPES
    from de_tasks.terminal.proposals import any_of, one_of

    choices = [*SERVICE_TYPES, *also]
    if not text:
        raise UsageError(f"Say which type: --type {any_of(choices)}.")
    return one_of(text, choices, "--type")


ns = Collection("services", list_services, exists, create, update, delete)
ns.__doc__ = "Redis and Postgres databases of apps."
