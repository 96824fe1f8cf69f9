"""variables.*: the environment variables of an app, whose values are never printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.errors import NotAvailable, NotFound, UsageError
from de_tasks.platform.connect import app_name, missing
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import connect, settings, task
from de_tasks.tasks.update import change, of_env_file, update_facts
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.tasks.values import Update

KEY = {"key": "Name of the variable"}


def _names(found: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": key, "from": origin} for key, origin in found.items()]


@task(changes=READS, facts=_names, name="list", default=True)
def list_variables(context: invoke.Context, name: str = "") -> dict[str, str]:
    """List an app's environment variables: their names and where they come from, not the values.

    What you have set comes from the app, all else from the platform: its own variables, and the
    address of each attached database.
    """
    connection = connect(context)
    wanted = app_name(connection.settings, name)
    details = connection.platform.details(wanted)
    if details is None:
        raise missing(wanted, connection.host.name)
    origins = dict.fromkeys(details.platform_variables, "platform")
    rows = sorted((origins | dict.fromkeys(details.variables, "app")).items())
    none = f"{wanted} has no variables. Set one: {typed(f'variables.set KEY --name {wanted}')}"
    console.table(("NAME", "FROM"), rows, none)
    return dict(rows)


def _would(verb: str, command: str) -> Callable[[invoke.Context, Facts], str]:
    def words(context: invoke.Context, given: Facts) -> str:
        app = app_name(settings(context), given.get("name"))
        return f"{verb} variable {_key(given['key'], command)} of app {app}"

    return words


@task(
    changes=_would("set", "set"),
    facts=update_facts,
    name="set",
    positional=["key"],
    help={
        **KEY,
        "env_file": "File of KEY=VALUE lines that has the value; - reads standard input",
    },
)
def set_variable(context: invoke.Context, key: str, name: str = "", env_file: str = "") -> Update:
    """Set an environment variable of an app, which is restarted to see it.

    The value is asked for on a terminal, unseen, and otherwise it is a line of standard input;
    with --env-file it is what the file has for KEY. It never stands in a command line, which
    other users of the machine can read. Several at once: apps.update --env-file.

        de-tasks variables set API_KEY
        de-tasks variables set API_KEY --name my-app < file
        de-tasks variables set API_KEY --env-file production.env
    """
    from de_tasks.platform.models import Changes

    key = _key(key, "set")
    connection = connect(context)
    app = app_name(connection.settings, name)
    if connection.de:
        other = typed(f"apps.update --name {app} --add-environment-variable {key}")
        raise NotAvailable(
            "Not available through `de`: setting a variable without its value in a command line, "
            f"which other users can read while `de` runs. If that does not matter: {other}"
        )
    if not env_file:
        value = console.secret(f"Value of {key}: ")
    elif (found := of_env_file(env_file).get(key)) is not None:
        value = found
    else:
        raise NotFound(f"--env-file {env_file} has no variable {key}.")
    return change(connection, app, Changes(set_variables={key: value}))


@task(
    changes=_would("remove", "unset"),
    facts=update_facts,
    name="unset",
    positional=["key"],
    help=KEY,
)
def unset_variable(context: invoke.Context, key: str, name: str = "") -> Update:
    """Remove an environment variable of an app, which is restarted without it."""
    from de_tasks.platform.models import Changes

    key = _key(key, "unset")
    connection = connect(context)
    return change(connection, app_name(connection.settings, name), Changes(remove_variables=(key,)))


def _key(text: str, verb: str) -> str:
    how = " asks for it, or reads it from standard input" if verb == "set" else ""
    key, equals, _ = text.partition("=")
    if equals:
        # The value stays unsaid.
        known = key or "KEY"
        raise UsageError(
            f"Leave out the value: {typed(f'variables.{verb} {known}')}{how}. Other users "
            "of this machine could read it in a command line"
        )
    if key.startswith("-"):
        raise UsageError(f"{key} is not the name of a variable. Options come after the name")
    if not key:
        raise UsageError("Which variable? Give its name, such as API_KEY")
    return key


ns = Collection("variables", list_variables, set_variable, unset_variable)
ns.__doc__ = "Environment variables of apps."
