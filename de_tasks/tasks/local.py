"""What happens on this machine: running the app here, opening the documentation."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import invoke

from de_tasks import console
from de_tasks.config import whole_number
from de_tasks.errors import DeTasksError
from de_tasks.tasks.base import app_name, connect, find_host, missing, settings, task


@task()
def docs(context: invoke.Context) -> None:
    """Open the documentation of Dash Enterprise in the browser, and print its address."""
    address = f"{find_host(settings(context)).web}/docs"
    console.result(address)
    webbrowser.open(address)


@task(
    help={
        "all": "Start every process of the Procfile, as the platform does",
        "with_env": "With the environment variables of the deployed app",
        "port": "Port to listen on (default: 8050, or the next free one)",
    }
)
def run(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    port: str = "",
    all: bool = False,
    with_env: bool = False,
) -> None:
    """Run an app on this machine, its web process reloading when a file changes."""
    from de_tasks import running
    from de_tasks.deployment import check_folder

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
    number = whole_number(port, "--port", least=1) if port else running.free_port_from(8050)
    commands = running.commands(folder, all)
    for kind, command in commands.items():
        console.note(f"{kind}: {command}")
    console.note(f"Open http://127.0.0.1:{number}/ and end with Ctrl-C")
    status = running.run(folder, commands, number, variables, console.result, reload=not all)
    if status:
        raise DeTasksError(f"A process has ended with status {status}; so all were stopped.")
