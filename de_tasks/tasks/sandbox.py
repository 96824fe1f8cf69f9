"""sandbox.*: an embedded Dash Enterprise on this machine."""

from __future__ import annotations

import json as json_module
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.config.environment import without_secrets
from de_tasks.config.numbers import whole_number
from de_tasks.config.system import has_processes
from de_tasks.errors import Declined, DeTasksError, UsageError
from de_tasks.platform.connect import store
from de_tasks.tasks.facts import facts
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import settings, task
from de_tasks.terminal import console, style
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from types import ModuleType

    from de_tasks.auth.store import Store
    from de_tasks.config.settings import Settings
    from de_tasks.server.control import Running
    from de_tasks.tasks.values import SandboxState, SandboxUser

DATA = {"data": "Directory of the sandbox's data"}
LIMITS = {
    "access_token_seconds": "How long an access token is good (default: 24 hours)",
    "offline_token_seconds": "How long a login is good (default: 30 days)",
    "rate_limit_points": "Points of a user in a window (default: 600)",
    "rate_limit_seconds": "Length of that window (default: 60)",
    "install_timeout": "Seconds that installing an app's requirements may take (default: 900)",
}


def _would(what: str) -> Callable[[invoke.Context, Facts], str]:
    def words(context: invoke.Context, given: Facts) -> str:
        return f"{what} {_folder(settings(context, sandbox_data=given['data']))}"

    return words


def _started(found: Running) -> dict[str, object]:
    from de_tasks.tasks.values import SandboxState

    return _state(SandboxState(found.data, found))


def _stopped(found: bool) -> dict[str, object]:
    return {"stopped": found}


def _deleted(found: bool) -> dict[str, object]:
    return {"deleted": found}


def _key(found: str) -> dict[str, object]:
    return {"key": found}


@task(
    changes=_would("start the sandbox with its data in"),
    facts=_started,
    iterable=["allow_mount"],
    help={
        **DATA,
        "allow_mount": "Folder that apps may mount, with all below it",
        "port": "Port on loopback; 0 takes any that is free (default: 8888)",
        "foreground": "Stay in the foreground until Ctrl-C",
        "no_login": "Do not log its user dev in",
        "tls": "Serve https, with a certificate authority of its own",
        "as_": "4 or 5: which files a build reads (default: as before, else 5)",
        "no_device_grant": "Switch login with a browser off",
        "view_access": "Who may open new apps: restricted (default), authenticated or"
        " unauthenticated",
        **LIMITS,
    },
)
def start(
    context: invoke.Context,
    data: str = "",
    port: str = "",
    foreground: bool = False,
    no_login: bool = False,
    access_token_seconds: str = "",
    offline_token_seconds: str = "",
    rate_limit_points: str = "",
    rate_limit_seconds: str = "",
    install_timeout: str = "",
    allow_mount: Sequence[str] = (),
    view_access: str = "",
    as_: str = "",
    tls: bool = False,
    no_device_grant: bool = False,
) -> Running:
    """Start a Dash Enterprise on this machine, and log in to it."""
    control = _control()
    values = settings(context, sandbox_data=data)
    folder = _folder(values)
    number = whole_number(port, "--port") if port else values.sandbox_port
    options: dict[str, int | str] = {"port": number}
    if number > 65535:
        raise UsageError(f"--port goes up to 65535, not {number}.")
    limits = (
        access_token_seconds,
        offline_token_seconds,
        rate_limit_points,
        rate_limit_seconds,
        install_timeout,
    )
    for name, text in zip(LIMITS, limits, strict=True):
        if text:
            options[name] = whole_number(text, f"--{name.replace('_', '-')}", least=1)
    if tls:
        options["tls"] = True
    if no_device_grant:
        options["device_grant"] = False
    if view_access:
        from de_tasks.platform import rules

        options["view_access"] = rules.access_level(view_access, "--view-access")
    if as_:
        options["as_version"] = _version(as_)
    mounts = [_allowed(text) for text in allow_mount]
    kept = None if no_login else store(values)
    if kept:
        kept.hosts()  # A file that is refused is better refused before there is a sandbox.
    running: Running | None = control.find(folder)
    new = not (folder / "passwords.json").exists()
    ours = running is None
    if ours and foreground:
        command = control.command(folder, options, mounts)
        os.execve(command[0], command, without_secrets())
    if running is None:
        try:
            running = control.start(folder, options, mounts, without_secrets())
        except control.AlreadyRunning:
            # Somebody types the same elsewhere, at the same moment.
            running, ours = control.await_other(folder), False
    if not ours:
        asked = {**options, "allow_mount": True} if mounts else options
        console.note(f"The sandbox is running already on {running.url}{_unmet(asked, running)}")
    else:
        if not style.for_people():
            console.note(f"The sandbox is running on {running.url}, {_reads(running)}")
        if running.ca_path:
            console.note(f"Its certificate authority, for your browser: {running.ca_path}")
        _show_passwords(folder / "passwords.json", new)
    if not no_login:
        _log_in(values, running)
    _remember(kept, running)
    if style.for_people():
        console.done("The sandbox is running on ", (running.url, "name"), f", {_reads(running)}")
    else:
        console.result(running.url)
    if no_login:
        console.following(typed(f"login --host {running.url}"))
    else:
        # One that was here before has apps.
        console.following(typed("deploy" if new else "apps"))
    return running


@task(changes=_would("stop the sandbox with its data in"), facts=_stopped, help=DATA)
def stop(context: invoke.Context, data: str = "") -> bool:
    """Stop the sandbox and its apps; everything is there at the next start."""
    control, folder = _control(), _folder(settings(context, sandbox_data=data))
    process = control.holder(folder)
    if process:
        control.end(folder, process, console.note)
    if process:
        console.done("The sandbox has stopped.")
    else:
        console.result("The sandbox is not running.")
    return bool(process)


def _state(found: SandboxState) -> dict[str, object]:
    running = found.running
    return {
        "running": bool(running),
        "url": running.url if running else None,
        "ca_path": running.ca_path or None if running else None,
        "data": str(found.data),
        "version": running.version if running else None,
    }


@task(changes=READS, facts=_state, default=True, help=DATA)
def status(context: invoke.Context, data: str = "") -> SandboxState:
    """Say whether the sandbox is running, and where."""
    from de_tasks.tasks.values import SandboxState

    control, folder = _control(), _folder(settings(context, sandbox_data=data))
    running = control.find(folder)
    process = running.pid if running else control.holder(folder)
    if running:
        console.line(
            f"The sandbox is running on {running.url}, process {running.pid}, {_reads(running)}.",
            out=True,
        )
    elif process:
        console.line(f"The sandbox runs as process {process}, and does not answer.", out=True)
    else:
        console.line(f"The sandbox is not running. Start it: {typed('sandbox.start')}", out=True)
    return SandboxState(folder, running)


@task(changes=_would("delete everything in"), facts=_deleted, help=DATA)
def reset(context: invoke.Context, data: str = "", yes: bool = False) -> bool:
    """Delete the sandbox's data: its apps, users and logs."""
    control = _control()
    folder = _folder(settings(context, sandbox_data=data))
    if control.holder(folder):
        raise DeTasksError(f"The sandbox is running. Stop it first: {typed('sandbox.stop')}")
    if folder.exists() and not console.confirm(f"Delete everything in {folder}?", yes):
        raise Declined("Nothing was deleted.")
    deleted = control.reset(folder)
    if deleted:
        console.done(f"{folder} was deleted.")
    else:
        console.result("There is nothing to delete.")
    return bool(deleted)


@task(
    changes="make user {username} of the sandbox",
    facts=facts,
    iterable=["group"],
    help={
        **DATA,
        "username": "Name of the user, in lower case",
        "role": "viewer, licensed_user or admin",
        "group": "Group that the user is a member of",
        "password_stdin": "Read the password from standard input, and do not print it",
        "brokered": "A user of an identity provider, who logs in with a browser alone",
    },
)
def add_user(
    context: invoke.Context,
    username: str = "",
    role: str = "licensed_user",
    group: Sequence[str] = (),
    brokered: bool = False,
    password_stdin: bool = False,
    data: str = "",
) -> SandboxUser:
    """Make a user of the sandbox, and print the password, this once."""
    from de_tasks.tasks.values import SandboxUser

    body = {"username": username, "role": role, "groups": list(group), "brokered": brokered}
    if password_stdin:
        body["password"] = console.line_of_stdin("--password-stdin")
    made = _control().administer(_running(context, data), "users", body)
    words = f"{made['username']} is a {made['role']} of the sandbox"
    if password_stdin:
        console.done(f"{words}.")
    else:
        console.note(f"{words}, with the password:")
        console.result(made["password"])
    password = "" if password_stdin else str(made["password"])
    return SandboxUser(str(made["username"]), str(made["role"]), password)


@task(changes=READS, facts=_key, help={**DATA, "username": "Whose key"})
def api_key(context: invoke.Context, username: str = "dev", data: str = "") -> str:
    """Print the API key of a user of the sandbox, for HTTP Basic."""
    found = _control().administer(_running(context, data), "api-key", {"username": username})
    console.result(found["key"])
    return str(found["key"])


def _unmet(options: Mapping[str, int | str], running: Running) -> str:
    """What of the options a sandbox that runs already does not have, and how it gets it."""
    asked = {name: value for name, value in options.items() if name != "port"}
    port = options["port"]
    if asked.get("as_version") == running.version:
        del asked["as_version"]
    if running.ca_path:
        asked.pop("tls", None)
    if port and port != running.port:
        asked = {"port": port, **asked}
    if not asked:
        return ""
    names = ("as" if name == "as_version" else name.replace("_", "-") for name in asked)
    flags = " ".join(f"--{name}" for name in names)
    elsewhere = f", not on port {port}" if "port" in asked else ""
    return f"{elsewhere}, as it was started. For {flags} stop it first: {typed('sandbox.stop')}"


def _running(context: invoke.Context, data: str) -> Running:
    running: Running | None = _control().find(_folder(settings(context, sandbox_data=data)))
    if running is None:
        raise DeTasksError(f"The sandbox is not running. Start it: {typed('sandbox.start')}")
    return running


def _allowed(text: str) -> Path:
    folder = Path(text).expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(f"--allow-mount {text}: there is no such folder.")
    return folder


def _version(text: str) -> int:
    if text not in ("4", "5"):
        raise UsageError(f"--as is 4 or 5, not {text!r}.")
    return int(text)


def _reads(running: Running) -> str:
    return f"and builds as version {running.version} does"


def _remember(kept: Store | None, running: Running) -> None:
    from de_tasks.platform.version import remember

    remember(kept, running.url, running.version)


def _show_passwords(file: Path, new: bool) -> None:
    # The log of a CI's job is read by more people than its files.
    if not new or not console.at_terminal():
        console.note(f"Passwords of its users: {file}")
        return
    console.note(f"Its users, shown this once and kept in {file}, which only you can read:")
    for name, password in json_module.loads(file.read_text("utf-8")).items():
        console.note(f"  {name:8} {password}")


def _control() -> ModuleType:
    if not has_processes():
        raise UsageError(
            "The sandbox runs on Linux and macOS. On Windows, install it in WSL "
            "(learn.microsoft.com/windows/wsl) and start it there: it answers on Windows' own "
            "127.0.0.1 too",
            next=["wsl --install"],
        )
    try:
        # The server's parts are an extra: without them this says how to get them.
        import uvicorn  # noqa: F401

        from de_tasks.server import control
    except ImportError:
        raise UsageError(
            'The sandbox is not installed. Type: pip install "de-tasks[sandbox]" '
            "(it needs Python 3.11 or later)",
            next=['pip install "de-tasks[sandbox]"'],
        ) from None
    return control


def _folder(values: Settings) -> Path:
    from de_tasks.config.settings import sandbox_folder

    return sandbox_folder(values)


def _log_in(values: Settings, running: Running) -> None:
    from urllib.parse import urlsplit

    from de_tasks.auth.oidc import Oidc
    from de_tasks.config.host import LOOPBACK, Host
    from de_tasks.net.http import Transport

    kept = store(values)
    if kept is None:
        return
    passwords = json_module.loads((running.data / "passwords.json").read_text("utf-8"))
    oidc = Oidc(Host.parse(running.url), Transport(running.ca_path))
    login = oidc.password("dev", passwords["dev"])
    last = kept.last_host()
    elsewhere = bool(last) and urlsplit(last).hostname not in LOOPBACK
    notice = kept.put(login, make_last=not elsewhere)
    if notice:
        console.note(notice)
    console.note(f"Logged in as [dev] to [{running.url}]!")
    if elsewhere:
        console.note(
            f"Your login to {last} stays the default: set DASH_ENTERPRISE_HOST to use this one"
        )


ns = Collection("sandbox", start, stop, status, reset, add_user, api_key)
ns.__doc__ = "An embedded Dash Enterprise on this machine."
