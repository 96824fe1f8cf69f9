"""From settings to a platform: which host, which way, as whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.config import environment
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.auth.caller import Account
    from de_tasks.auth.store import Store
    from de_tasks.config.host import Host
    from de_tasks.config.settings import Settings
    from de_tasks.net.http import Transport
    from de_tasks.net.retry import Policy, Wait
    from de_tasks.platform.de.command import De
    from de_tasks.platform.de.git_transport import GitTransport
    from de_tasks.platform.graphql.client import Client
    from de_tasks.platform.protocol import Platform


# Nothing compares this class and `Target`: methods for it would be compiled at every start.
@dataclass(frozen=True, eq=False)
class Connection:
    """A host that we are logged in to: by its API with an account and a client, or through `de`,
    beside which `git` may take deploys."""

    settings: Settings
    host: Host
    platform: Platform
    account: Account | None = None
    client: Client | None = None
    de: De | None = None
    git: GitTransport | None = None

    @property
    def username(self) -> str:
        """Who is logged in."""
        if self.account is None:
            return self.platform.whoami().username
        return self.account.credentials.username


def store(values: Settings) -> Store | None:
    """The store of logins, None with `no_keyfile`."""
    from de_tasks.auth.store import Store

    if values.no_keyfile:
        return None
    if values.keyfile:
        return Store.at(Path(values.keyfile))
    return Store.default()


@dataclass(frozen=True, eq=False)
class Target:
    """The host that a command is for; `settings` have the certificate file of its login."""

    settings: Settings
    host: Host
    store: Store | None

    @cached_property
    def transport(self) -> Transport:
        """The way to the host."""
        from de_tasks.net.http import Transport

        return Transport(self.settings.ca_path, self.host.trusted)


def target(values: Settings) -> Target:
    """Where to. Raises `UsageError` that names the ways on when no host is known."""
    kept = store(values)
    host = find_host(values)
    if kept and not values.ca_path:
        values = replace(values, ca_path=kept.ca_path(host.name))
    return Target(values, host, kept)


def find_host(values: Settings) -> Host:
    """The host to talk to. Raises `UsageError` that names the ways on when there is none."""
    from de_tasks.config.host import Host

    kept = store(values)
    name = values.host or (kept.last_host() if kept else "")
    others = kept.hosts() if kept and not name else []
    if others:
        raise UsageError(
            f"Which Dash Enterprise? You are logged in to {' and '.join(others)}. "
            "Set DASH_ENTERPRISE_HOST, or log in to another"
        )
    if not name:
        raise UsageError(
            "No Dash Enterprise is known. Log in to yours: "
            f"{typed('login --host example.plotly.host')}\n"
            f"or start one on this machine: {typed('sandbox.start')}"
        )
    return Host.of(name, values)


def connect(values: Settings, tell: Callable[[Wait], None]) -> Connection:
    """The platform behind the present credentials; `tell` hears of each wait.

    Raises `NotLoggedIn` when there are none.
    """
    from de_tasks.auth.caller import Account
    from de_tasks.auth.credentials import choose
    from de_tasks.auth.oidc import Oidc
    from de_tasks.config.settings import cache_folder
    from de_tasks.net.budget import Budget
    from de_tasks.platform.graphql.client import Client
    from de_tasks.platform.graphql.operations import GraphQLPlatform
    from de_tasks.platform.version import remember

    to = target(values)
    de = vendor_command(to, tell)
    if de:
        from de_tasks.platform.de.platform import VendorPlatform

        remember(to.store, to.host.name, 5)
        git = git_transport(to, tell)
        return Connection(to.settings, to.host, VendorPlatform(de), de=de, git=git)
    patience = policy(to.settings, to.host, tell)
    credentials = choose(to.settings, to.host, Oidc(to.host, to.transport, patience), to.store)
    budget = Budget(cache_folder(to.settings), to.host.name, credentials.username)
    whose = f"{credentials.username} on {to.host.name}"
    account = Account(credentials, replace(patience, whose=whose), budget)
    client = Client(to.host, account, to.transport)
    platform: Platform = GraphQLPlatform(client)
    if to.settings.api_key:
        from de_tasks.platform.graphql import version_4

        # Version 4 servers take a key, and sandboxes do: their schemas tell them apart.
        if version_4.is_all(client):
            platform = version_4.PublishedPlatform(client, to.host)
            remember(to.store, to.host.name, 4)
    return Connection(to.settings, to.host, platform, account, client)


def git_transport(to: Target, tell: Callable[[Wait], None]) -> GitTransport | None:
    """The way to the git of a host that is reached through `de`; None where the settings have
    deploys go by `de`."""
    if to.settings.git_transport == "de":
        return None
    from de_tasks.platform.de.git_transport import GitTransport

    retrying = policy(to.settings, to.host, tell)
    return GitTransport(to.settings, to.host, to.transport, to.store, retrying)


def policy(values: Settings, host: Host, tell: Callable[[Wait], None]) -> Policy:
    """How to try again at a host, as the settings have it; `tell` hears of each wait."""
    from de_tasks.net.retry import Policy

    def hopeless() -> DeTasksError | None:
        from de_tasks.platform.local_sandbox import stopped

        return stopped(values, host)

    return Policy(values.retry_deadline, values.retry_attempts, tell, hopeless=hopeless)


def vendor_command(to: Target, tell: Callable[[Wait], None]) -> De | None:
    """The vendor's command line where it leads to the host."""
    values = to.settings
    if values.platform == "api" or (values.platform == "auto" and "://" in to.host.name):
        return None  # Without a look at `platform.de`, which everyday commands do not need.
    from de_tasks.platform.de.command import De
    from de_tasks.platform.route import choose

    if choose(values, to.host, to.transport).through == "api":
        return None
    return De.of(values, to.host, environment.inherited(), policy(values, to.host, tell))


def app_name(values: Settings, name: str | None) -> str:
    """The app: the flag, else the setting, else the folder's name, if it is legal."""
    from de_tasks.appspec import check_app_name

    return check_app_name(name or values.app or Path(values.path).expanduser().resolve().name)


def missing(name: str, host: str) -> DeTasksError:
    """The error for an app that is not there, or not for this user: it names what to type next."""
    from de_tasks.platform.no_such_app import no_such_app

    return no_such_app(name, host, deploy=True)
