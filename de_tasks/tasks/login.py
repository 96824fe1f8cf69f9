"""login, logout, whoami."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import invoke

from de_tasks.config import environment
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.platform.connect import policy, store, target, vendor_command
from de_tasks.tasks.facts import facts
from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import connect, settings, task, waits
from de_tasks.terminal import browser, console, live, style
from de_tasks.terminal.text import one_line

if TYPE_CHECKING:
    from de_tasks.auth.login import Login
    from de_tasks.auth.oidc import Oidc
    from de_tasks.auth.store import Store
    from de_tasks.config.settings import Settings
    from de_tasks.platform.connect import Target
    from de_tasks.platform.de.command import De
    from de_tasks.tasks.values import Account, Logout


def _account(found: Account | str) -> dict[str, object]:
    """Through `de` there is a text: its own sentence."""
    if isinstance(found, str):
        return {"text": found}
    return {"username": found.username, "admin": found.admin, "host": found.host}


LOGOUT_SECONDS = 10
"""How long a server may take to hear of a logout."""


@task(
    changes="log in to {host}, and keep the login",
    facts=_account,
    help={
        "username": "Log in with user name and password instead of a browser",
        "password_stdin": "Read the password from standard input",
        "keyfile": "Keep the login in this file",
        "ca_path": "Root certificate that signed the server's (remembered for this host)",
    },
)
def login(
    context: invoke.Context,
    host: str = "",
    username: str = "",
    password_stdin: bool = False,
    keyfile: str = "",
    ca_path: str = "",
) -> Account | str:
    """Log in to Dash Enterprise, with a browser or with user name and password."""
    from de_tasks.auth.oidc import Oidc
    from de_tasks.tasks.values import Account

    given = settings(context, host=host, username=username, keyfile=keyfile, ca_path=ca_path)
    to = target(given)
    values, kept = to.settings, to.store
    vendor = vendor_command(to, waits())
    if vendor:
        return _vendor_login(vendor, to)
    if password_stdin and not values.username:
        raise UsageError("--password-stdin goes with --username: whose password is it?")
    if kept is not None:
        kept.check()
    oidc = Oidc(to.host, to.transport, policy(values, to.host, waits()))
    if values.username:
        word = _password(values, password_stdin)
        new = oidc.password(values.username, word, offline=kept is not None)
    elif kept is None:
        raise UsageError(
            "With no_keyfile nothing is stored: set DASH_ENTERPRISE_USERNAME and "
            "DASH_ENTERPRISE_PASSWORD"
        )
    else:
        new = _with_browser(oidc)
    if kept is None:
        oidc.revoke(new)
        console.note("Nothing was stored: with no_keyfile every command logs in by itself.")
    else:
        _keep(oidc, kept, new)
        _remember_version(values, kept, new.host)
    if values.api_key:
        console.note("DASH_ENTERPRISE_API_KEY is set, and takes precedence over this login.")
    console.done(f"Logged in as [{new.username}] to [{new.host}]!")
    return Account(new.username, None, new.host)


def _password(values: Settings, password_stdin: bool) -> str:
    if password_stdin:
        return console.line_of_stdin("--password-stdin")
    return values.password or console.password(f"Password of {values.username}: ")


def _with_browser(oidc: Oidc) -> Login:
    from de_tasks.auth import device

    if not console.interactive():
        where = "This is a CI job (CI is set)" if environment.in_ci() else "There is no terminal"
        raise UsageError(
            f"{where}, where nobody can confirm in a browser: set DASH_ENTERPRISE_USERNAME, and "
            "DASH_ENTERPRISE_PASSWORD or DASH_ENTERPRISE_API_KEY"
        )
    code = device.begin(oidc)
    console.note(f"Open {one_line(code.page)}\nand confirm the code {code.user_code}")
    if not browser.open_page(code.page):
        console.note("There is no browser here: any device will do.")
    if style.moving():
        live.show(live.Work("Waiting for your answer in the browser"))
    return device.finish(oidc, code)


def _remember_version(values: Settings, kept: Store, host: str) -> None:
    """What `check` looks for goes by the version; a host that does not tell is taken for a 5."""
    from de_tasks.platform.connect import connect as connect_to
    from de_tasks.platform.graphql.operations import GraphQLPlatform
    from de_tasks.platform.version import remember

    with suppress(DeTasksError):
        platform = connect_to(replace(values, host=host), waits()).platform
        if isinstance(platform, GraphQLPlatform):
            remember(kept, host, platform.version())


def _keep(oidc: Oidc, kept: Store, new: Login) -> None:
    before = None
    with suppress(DeTasksError):
        before = kept.get(new.host)
    notice = kept.put(new)
    if notice:
        console.note(notice)
    if before:
        # From here on nobody could log the earlier one out any more.
        with suppress(DeTasksError):
            oidc.revoke(before)


@task(changes="log out: end the login on the server, and forget it here", facts=facts)
def logout(context: invoke.Context) -> Logout:
    """Log out: end the login on the server and forget it here."""
    from de_tasks.tasks.values import Logout

    values = settings(context)
    kept = store(values)
    if kept is None or not (values.host or kept.hosts()):
        console.result("You are not logged in.")
        return Logout(None)
    to = target(values)
    name = to.host.name
    vendor = vendor_command(to, waits())
    if vendor:
        vendor("logout")
        _forget_git(to)
        if not values.keyfile and name in kept.hosts():
            _end(to, kept)
        console.done(f"Logged out of [{name}].")
        return Logout(name)
    if name not in kept.hosts():
        console.result(f"You are not logged in to [{name}].")
        return Logout(None)
    ended = _end(to, kept)
    console.done(f"Logged out of [{name}].")
    return Logout(name, ended)


def _end(to: Target, kept: Store) -> bool | None:
    """End the login on the server, and forget it; whether the server ended it, None where there
    was nothing to end."""
    from de_tasks.auth.oidc import Oidc

    values, name, ended = to.settings, to.host.name, None
    try:
        present = kept.get(name)
        if present:
            # Not for long: it is forgotten here either way.
            short = replace(values, retry_deadline=min(LOGOUT_SECONDS, values.retry_deadline))
            Oidc(to.host, to.transport, policy(short, to.host, waits())).revoke(present)
            console.note("The login was ended on the server, and is forgotten here.")
            ended = True
    except DeTasksError as error:
        ended = False
        console.note(
            "The login is forgotten here. It could not be ended on the server, where it is good "
            f"until it expires: {error}"
        )
    kept.remove(name)
    return ended


def _vendor_login(vendor: De, to: Target) -> str:
    """Log in for git and for the API ourselves, then let `de` log in: it keeps its own login, and
    prints its own sentence, which is returned where nobody else reads it."""
    values = to.settings
    if values.username or values.no_keyfile:
        raise UsageError(
            "Through `de` a user name and password are not kept: set DASH_ENTERPRISE_USERNAME and "
            "DASH_ENTERPRISE_PASSWORD, and de.no_keyfile"
        )
    oidc, new = _login_beside_de(to)
    done = vendor.attached("login", shown=not console.silent())
    # Not before: the file where `de` keeps its login must not be ours when it looks there.
    kept = store(values)
    if new and kept:
        _keep(oidc, kept, new)
        _forget_git(to)
    if done.status:
        raise DeTasksError(f"`de login` ended with status {done.status}.")
    return done.out.strip()


def _login_beside_de(to: Target) -> tuple[Oidc, Login | None]:
    """A login of our own at a host that is reached through `de`, None where there is no use for it
    or no way to it."""
    from de_tasks.auth.oidc import Oidc

    values = to.settings
    oidc = Oidc(to.host, to.transport, policy(values, to.host, waits()))
    # A file that the user named is where `de` keeps its login.
    if values.git_transport == "de" or values.keyfile or not console.interactive():
        return oidc, None
    try:
        return oidc, _with_browser(oidc)
    except DeTasksError as error:
        console.note(f"Without a login of our own, deploys go by `de`: {error}")
        return oidc, None


def _forget_git(to: Target) -> None:
    """Let everything be asked again of the host's git: whoever logs in or out is another."""
    from de_tasks.platform.connect import git_transport

    if git := git_transport(to, waits()):
        git.memory.forget()


@task(changes=READS, facts=_account)
def whoami(context: invoke.Context) -> Account:
    """Print who is logged in, and where."""
    from de_tasks.tasks.values import Account

    connection = connect(context)
    user = connection.platform.whoami()
    console.result(f"Logged in as [{user.username}] to [{connection.host.name}].")
    return Account(user.username, user.is_admin, connection.host.name)
