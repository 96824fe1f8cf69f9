"""services.*: Redis and Postgres databases of apps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import invoke
from invoke import Collection

from de_tasks import console
from de_tasks.appspec import check_app_name
from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.tasks.base import Connection, app_name, connect, missing, task

if TYPE_CHECKING:
    from de_tasks.api.models import Service

APP_NAME = {"app_name": "Name of the app (default: de.app, else the folder's name)"}
KIND = {"type": "redis or postgres"}
SERVICE = {"service_name": "Name of the service (default: APP-TYPE)"}


@task(name="list", help={"type": "redis, postgres or all"})
def list_services(context: invoke.Context, type: str = "all", json: bool = False) -> None:
    """List the services of your apps; for admins, all services."""
    kinds = _kind(type, also=("all",))
    found = connect(context).platform.services()
    shown = [service for service in found if kinds in ("all", service.kind)]
    if json:
        console.result_json([asdict(service) for service in shown])
        return
    rows = [(s.name, s.kind, s.status, ", ".join(s.apps)) for s in shown]
    console.table(("NAME", "TYPE", "STATUS", "APPS"), rows)


@task(help={**KIND, "exit_code": "Exit with 1 when there is none"})
def exists(
    context: invoke.Context,
    name: str = "",
    type: str = "",
    exit_code: bool = False,
    json: bool = False,
) -> None:
    """Say True or False: whether an app has a service of a type."""
    kind = _kind(type)
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    found = _attached(connection, wanted, kind) is not None
    if json:
        console.result_json({"name": wanted, "type": kind, "exists": found})
    else:
        console.result(str(found))
    if exit_code and not found:
        raise invoke.Exit(code=1)


@task(help={**APP_NAME, **KIND, **SERVICE})
def create(
    context: invoke.Context, app_name: str = "", type: str = "", service_name: str = ""
) -> None:
    """Create a database and attach it to an app, which is restarted to see it."""
    kind = _kind(type)
    connection = connect(context)
    app = _app(connection, app_name)
    present = _attached(connection, app, kind)
    if present:
        raise DeTasksError(f"App {app} has a {kind} service already: {present.name}.")
    name = service_name or f"{app}-{kind}"
    platform: Any = connection.platform
    half_done = _named(platform.services(), name, kind)
    if half_done is None:
        platform.create_service(name, kind)
    elif half_done.apps:
        apps = ", ".join(half_done.apps)
        raise DeTasksError(
            f"There is a {kind} service {name} already, attached to {apps}. "
            "Choose another name with --service-name"
        )
    platform.link_service(app, name, kind)
    console.result(f"Service {name} was attached to app {app} on [{connection.host.name}].")


@task(help={**APP_NAME, **KIND})
def delete(context: invoke.Context, app_name: str = "", type: str = "", yes: bool = False) -> None:
    """Delete the database of an app, with all its data."""
    kind = _kind(type)
    connection = connect(context)
    app = _app(connection, app_name)
    present = _attached(connection, app, kind)
    if present is None:
        raise NotFound(f"App {app} has no {kind} service.")
    others = [name for name in present.apps if name != app]
    if others:
        raise DeTasksError(
            f"{present.name} is attached to {', '.join(others)} too: nothing was deleted."
        )
    # Without a terminal the reference deletes without a question, and scripts rely on it.
    question = f"Delete {present.name}, the {kind} database of {app}, with all its data?"
    if not yes and console.interactive() and not console.confirm(question, yes):
        raise invoke.Exit("Nothing was deleted.", code=1)
    connection.platform.delete_service(present.name, kind)
    console.result(
        f"Service {present.name} was deleted from [{connection.host.name}] with its data."
    )


def _kind(text: str, also: Sequence[str] = ()) -> str:
    from de_tasks.api.models import SERVICE_TYPES

    choices = [*SERVICE_TYPES, *also]
    if text not in choices:
        given = f"not {text!r}" if text else "and is missing"
        raise UsageError(f"--type is {', '.join(choices[:-1])} or {choices[-1]}, {given}.")
    return text


def _app(connection: Connection, name: str) -> str:
    return check_app_name(name) if name else app_name(connection.settings, name)


def _attached(connection: Connection, app: str, kind: str) -> Service | None:
    details = connection.platform.details(app)
    if details is None:
        raise missing(app, connection.host.name)
    return next((service for service in details.services if service.kind == kind), None)


def _named(services: Sequence[Service], name: str, kind: str) -> Service | None:
    return next((s for s in services if (s.name, s.kind) == (name, kind)), None)


ns = Collection("services", list_services, exists, create, delete)
ns.__doc__ = "Redis and Postgres databases of apps."
