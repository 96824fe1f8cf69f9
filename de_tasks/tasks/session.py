"""login, logout, whoami."""

from __future__ import annotations

import sys
import webbrowser

import invoke

from de_tasks import console
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.tasks.base import connect, find_host, settings, store, task


@task(
    help={
        "username": "Log in with user name and password instead of a browser",
        "password_stdin": "Read the password from standard input",
        "keyfile": "Keep the login in this file",
    }
)
def login(
    context: invoke.Context,
    host: str = "",
    username: str = "",
    password_stdin: bool = False,
    keyfile: str = "",
) -> None:
    """Log in to Dash Enterprise, with a browser or with user name and password."""
    from de_tasks.auth.oidc import Oidc
    from de_tasks.transport import Transport

    values = settings(context, host=host, username=username, keyfile=keyfile)
    kept = store(values)
    if kept is None:
        raise UsageError("With no_keyfile nothing is stored: there is nothing to log in to.")
    target = find_host(values)
    kept.last_host()  # A file that is not ours is refused before anybody types a password.
    oidc = Oidc(target, Transport(values.ca_path))
    if values.username:
        if password_stdin:
            secret = sys.stdin.readline().rstrip("\r\n")
        else:
            secret = values.password or console.password(f"Password of {values.username}: ")
        new = oidc.password(values.username, secret)
    else:
        code = oidc.begin_device()
        console.note(f"Open {code.page}\nand confirm the code {code.user_code}")
        webbrowser.open(code.page)
        new = oidc.finish_device(code)
    notice = kept.put(new)
    if notice:
        console.note(notice)
    console.result(f"Logged in as [{new.username}] to [{new.host}]!")


@task()
def logout(context: invoke.Context) -> None:
    """Log out: end the login on the server and forget it here."""
    from de_tasks.auth.oidc import Oidc
    from de_tasks.transport import Transport

    values = settings(context)
    host = find_host(values)
    kept = store(values)
    present = kept.get(host.name) if kept else None
    if kept is None or present is None:
        console.result(f"You are not logged in to [{host.name}].")
        return
    try:
        Oidc(host, Transport(values.ca_path)).revoke(present)
    except DeTasksError as error:
        console.note(f"The server could not be told: {error}")
    kept.remove(host.name)
    console.result(f"Logged out of [{host.name}].")


@task()
def whoami(context: invoke.Context, json: bool = False) -> None:
    """Print who is logged in, and where."""
    connection = connect(context)
    user = connection.platform.whoami()
    if json:
        console.result_json(
            {"username": user.username, "admin": user.is_admin, "host": connection.host.name}
        )
    else:
        console.result(f"Logged in as [{user.username}] to [{connection.host.name}].")
