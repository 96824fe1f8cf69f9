"""What happens on this machine: running the app here, opening the
documentation, and the doctor."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.context import sources
from de_tasks.config.numbers import whole_number
from de_tasks.errors import DeTasksError
from de_tasks.platform.connect import app_name, find_host, missing, store
from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import configuration, connect, settings, task, waits
from de_tasks.terminal import browser, console, style
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.platform.diagnosis import Diagnosis
    from de_tasks.tasks.values import Report


def _report(found: Report) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "settings": {n: {"value": v, "from": where} for n, (v, where) in found.settings.items()},
        "findings": [asdict(finding) for finding in found.findings],
    }


@task(
    changes=READS,
    facts=_report,
    help={
        "all": "At a terminal, show every setting, not only those that are set",
        "schema": "Save names and types of version 5's API in this file",
    },
)
def doctor(context: invoke.Context, all: bool = False, schema: str = "") -> Report:
    """Check settings, git, login and server, and say where each setting comes from."""
    from dataclasses import fields

    from de_tasks.config.settings import DEFAULT, Settings, cache_folder, origins
    from de_tasks.platform import diagnosis as checks
    from de_tasks.tasks.values import Report

    section, given = sources(configuration(context))
    found = origins(section, **given)
    secret = {field.name for field in fields(Settings) if not field.repr}
    shown = {
        name: ("****" if name in secret and origin.value else origin.value, origin.where)
        for name, origin in found.items()
    }
    values = settings(context)
    kept = store(values)
    if not values.host and kept and kept.last_host():
        shown["host"] = (kept.last_host(), "the last login")
    name = str(shown["host"][0])
    if not values.ca_path and kept and kept.ca_path(name):
        shown["ca_path"] = (kept.ca_path(name), "the login")
    findings = list(checks.machine(cache_folder(values)))
    try:
        findings.append(checks.way(values, find_host(values)))
        connection = connect(context)
        user = connection.platform.whoami()
        words = f"Logged in as [{user.username}] to [{connection.host.name}]."
        place = kept.place(connection.host.name) if kept else ""
        words += f" The login is kept in {place}." if place else ""
        findings.append(checks.Diagnosis("login", True, words))
        findings += checks.server(connection.client) if connection.client else ()
        if connection.de:
            findings.append(checks.deploys(connection, app_name(values, None)))
            findings.append(checks.api_of_5(values, waits(), schema))
        elif schema:
            words = "--schema is for a host that is reached through `de`; this API is published."
            findings.append(checks.Diagnosis("api of 5", False, words))
    except DeTasksError as error:
        findings.append(checks.Diagnosis("login", False, str(error)))
    brief = style.for_people() and not all
    rows = [(n, _words(v), f) for n, (v, f) in shown.items() if not brief or f != DEFAULT]
    console.table(("SETTING", "VALUE", "FROM"), rows)
    if brief:
        console.line((f"The other settings: {typed('doctor --all')}", "detail"), out=True)
    console.result("")
    for finding in findings:
        _show(finding)
    done = Report(shown, tuple(findings))
    if bad := sum(not finding.good for finding in findings):
        raise DeTasksError(f"{bad} of {len(findings)} checks failed.", value=done)
    if style.for_people():
        console.done(f"All {len(findings)} checks passed.")
    return done


def _words(value: object) -> str:
    """A setting's value as it is written in a file: a list with commas, `-` for nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(inner)}" for key, inner in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value)) or "-"
    return str(value) if value not in ("", None) else "-"


def _show(finding: Diagnosis) -> None:
    if style.for_people():
        sign = style.sign_of("done" if finding.good else "failed")
        console.line(sign, " ", (finding.what, "name"), f": {finding.seen}", out=True)
    else:
        console.result(f"{'ok ' if finding.good else 'BAD'}  {finding.what}: {finding.seen}")


def _address(found: str) -> dict[str, object]:
    return {"url": found}


@task(changes="open the documentation of {host} in the browser", facts=_address)
def docs(context: invoke.Context) -> str:
    """Open the documentation of Dash Enterprise in the browser, and print its address.

    Without a license seat the page is forbidden: see https://dash.plotly.com/ then.
    """
    address = f"{find_host(settings(context)).web}/docs"
    console.result(address)
    browser.open_page(address)
    return address


@task(
    changes="run the app of {folder} on this machine",
    help={
        "all": "Start every process of the Procfile, as the platform does",
        "with_env": "With the environment variables of the deployed app",
        "port": "Port to listen on (default: 8050, or the next free one)",
    },
)
def run(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    port: str = "",
    all: bool = False,
    with_env: bool = False,
) -> None:
    """Run an app on this machine, its web process reloading when a file changes.

    Starts the `web` line of the Procfile in development mode, or with --all every process as
    the platform does. Ctrl-C ends all of them; when one ends by itself, so do the others.
    """
    from de_tasks.appspec import check_folder
    from de_tasks.project import run_locally

    values = settings(context, path=path)
    folder = Path(values.path).expanduser().resolve()
    check_folder(folder)
    variables: dict[str, str] = {}
    if with_env:
        connection = connect(context, path=path)
        wanted = app_name(values, name)
        details = connection.platform.details(wanted)
        if details is None:
            raise missing(wanted, connection.host.name)
        variables = details.variables
    number = whole_number(port, "--port", least=1) if port else run_locally.free_port_from(8050)
    commands = run_locally.commands(folder, all)
    for kind, command in commands.items():
        console.note(f"{kind}: {command}")
    console.note(f"Open http://127.0.0.1:{number}/ and end with Ctrl-C")
    say = functools.partial(console.result, log=True)
    ended = run_locally.run(folder, commands, number, variables, say, reload=not all)
    if ended.status:
        others = "The others were stopped: " if len(commands) > 1 else ""
        raise DeTasksError(f"{others}{ended.why(folder)}")
