"""What every task shares: the decorator, and the way from a context to the platform."""

from __future__ import annotations

import copy
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import invoke
from invoke.parser import Argument
from invoke.tasks import Task

from de_tasks import console, environment
from de_tasks.errors import DeTasksError, Interrupted, UsageError
from de_tasks.spelling import typed

if TYPE_CHECKING:
    from types import FrameType

    from de_tasks import config
    from de_tasks.api.platform import Platform
    from de_tasks.auth.store import Store
    from de_tasks.retry import Policy, Wait
    from de_tasks.transport import Transport

SHORT = {"name": "n", "type": "t", "yes": "y", "message": "m"}
NAMES = ("name", "app_name")
"""Options that name an app: an empty one is a script's mistake, and not the folder's app."""
HELP = {
    "name": "Name of the app (default: de.app, else the folder's name)",
    "path": "Folder of the app (default: this one)",
    "yes": "Answer yes to every question",
    "json": "Print JSON: one document, or one line for each entry of a log",
    "host": "Dash Enterprise, as example.plotly.host or as a URL",
}


class Option(Argument):
    """An argument that is cheap to copy: invoke copies those of all tasks at every start,
    deeply, though it only ever sets their values anew."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Option:
        made = Option.__new__(Option)
        made.__dict__.update(self.__dict__)
        return made


class DeTask(Task):  # type: ignore[type-arg]
    """A task whose short letters come from one table."""

    def __deepcopy__(self, memo: dict[int, Any]) -> DeTask:
        """As cheap: invoke copies the tasks of a project's `ns`, and goes through each option."""
        return copy.copy(self)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Any]:
        """invoke's arguments; it takes the help out as it goes, and a task may be listed twice,
        or be one with its copies."""
        kept, self.help = self.help, dict(self.help)
        try:
            found = super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept
        for argument in found:
            argument.__class__ = Option
        return found

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """invoke's options of an argument, with our short letter."""
        options = super().arg_opts(name, default, taken_names)
        if name in SHORT:
            options["names"] = [*options["names"], SHORT[name]]
        if name in NAMES:
            options["default"] = None
        if name in self.iterable:
            # invoke would take the kind from the default, and ours is an immutable tuple.
            options |= {"kind": list, "default": []}
        return options


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take SIGTERM, by which CI systems end a job, for Ctrl-C: what was begun is cleared away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def task(**options: Any) -> Callable[[Callable[..., Any]], DeTask]:
    """Like `invoke.task`; Ctrl-C ends with 130, and shared arguments have their help."""

    def wrap(body: Callable[..., Any]) -> DeTask:
        @functools.wraps(body)
        def run(context: invoke.Context, *arguments: Any, **keywords: Any) -> Any:
            try:
                with _interruptible():
                    return body(context, *arguments, **_given(keywords))
            except KeyboardInterrupt:
                raise Interrupted("Interrupted.") from None

        parameters = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        words = {p: HELP[p] for p in parameters if p in HELP} | options.pop("help", {})
        return DeTask(run, positional=(), auto_shortflags=False, help=words, **options)

    return wrap


def _given(keywords: dict[str, Any]) -> dict[str, Any]:
    for name in NAMES:
        if keywords.get(name) == "":
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is empty: name the app, or leave the option out.")
    return {n: value for n, value in keywords.items() if n not in NAMES or value is not None}


def settings(context: invoke.Context, **flags: Any) -> config.Settings:
    """The settings of this call."""
    from de_tasks import config

    section, given = sources(context, **flags)
    return config.load(section, **given)


def sources(context: invoke.Context, **flags: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """invoke's configuration for us, and what was typed."""
    # `de-tasks --host X` puts its core options here; a task's own flag goes before.
    core = dict(context.config.get("de_flags", {}))
    typed_here = {name: value for name, value in flags.items() if value}
    return _plain(context.config.get("de", {})), core | typed_here


def _plain(section: Any) -> dict[str, Any]:
    """invoke's configuration as dicts all the way down."""
    return {
        name: _plain(value) if hasattr(value := section[name], "keys") else value
        for name in section.keys()
    }


# Nothing compares this class and `Target`: methods for it would be compiled at every start.
@dataclass(frozen=True, eq=False)
class Connection:
    """A host that we are logged in to: by its API with credentials, or through `de`."""

    settings: config.Settings
    host: config.Host
    platform: Platform
    session: Any = None
    client: Any = None
    account: Any = None
    de: Any = None

    @property
    def username(self) -> str:
        """Who is logged in."""
        if self.session is None:
            return str(self.platform.whoami().username)
        return str(self.session.username)


def store(values: config.Settings) -> Store | None:
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

    settings: config.Settings
    host: config.Host
    store: Store | None

    @cached_property
    def transport(self) -> Transport:
        """The way to the host."""
        from de_tasks.transport import Transport

        return Transport(self.settings.ca_path)


def target(context: invoke.Context, **flags: object) -> Target:
    """Where to. Raises `UsageError` that names the ways on when no host is known."""
    values = settings(context, **flags)
    kept = store(values)
    host = find_host(values)
    if kept and not values.ca_path:
        values = replace(values, ca_path=kept.ca_path(host.name))
    return Target(values, host, kept)


def find_host(values: config.Settings) -> config.Host:
    """The host to talk to. Raises `UsageError` that names the ways on when there is none."""
    from de_tasks import config

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
    return config.Host.of(name, values)


def connect(
    context: invoke.Context, tell: Callable[[Wait], None] | None = None, **flags: object
) -> Connection:
    """The platform behind the present credentials; `tell` hears of waits in place of people.

    Raises `NotLoggedIn` when there are none.
    """
    from de_tasks import config
    from de_tasks.api.client import Client
    from de_tasks.api.operations import GraphQLPlatform
    from de_tasks.auth.account import Account
    from de_tasks.auth.credentials import choose
    from de_tasks.auth.oidc import Oidc
    from de_tasks.budget import Budget

    to = target(context, **flags)
    vendor = vendors(to, tell)
    if vendor:
        from de_tasks.vendor.platform import VendorPlatform

        return Connection(to.settings, to.host, VendorPlatform(vendor), de=vendor)
    patience = policy(to.settings, tell)
    session = choose(to.settings, to.host, Oidc(to.host, to.transport, patience), to.store)
    budget = Budget(config.cache_folder(to.settings), to.host.name, session.username)
    account = Account(session, patience, budget)
    client = Client(to.host, account, to.transport)
    platform: Platform = GraphQLPlatform(client)
    if to.settings.api_key:
        from de_tasks.api import published

        # Version 4 servers take a key, and sandboxes do: their schemas tell them apart.
        if published.is_all(client):
            platform = published.PublishedPlatform(client, to.host)
    return Connection(to.settings, to.host, platform, session, client, account)


def policy(values: config.Settings, tell: Callable[[Wait], None] | None = None) -> Policy:
    """How to try again, telling people of each wait unless `tell` does it."""
    from de_tasks.retry import Policy

    def note(wait: Wait) -> None:
        console.note(wait.text)

    return Policy(values.retry_deadline, values.retry_attempts, tell or note)


def waits(json: bool) -> Callable[[Wait], None] | None:
    """How a command that may print JSON lines tells of waits: as one of them; else as ever."""

    def line(wait: Wait) -> None:
        seconds = round(wait.seconds, 1)
        console.result_json({"event": "wait", "text": wait.text, "seconds": seconds})

    return line if json else None


def vendors(to: Target, tell: Callable[[Wait], None] | None = None) -> Any:
    """The vendor's command line where it leads to the host, else None."""
    values = to.settings
    if values.platform == "api" or (values.platform == "auto" and "://" in to.host.name):
        return None  # Without a look at `de_tasks.vendor`, which everyday commands do not need.
    from de_tasks.vendor.choice import choose
    from de_tasks.vendor.command import De

    if choose(values, to.host, to.transport).through == "api":
        return None
    return De.of(values, to.host, environment.inherited(), policy(values, tell))


def app_name(values: config.Settings, name: str | None) -> str:
    """The app: the flag, else the setting, else the folder's name, if it is legal."""
    from de_tasks.appspec import check_app_name

    return check_app_name(name or values.app or Path(values.path).expanduser().resolve().name)


def named_app(values: config.Settings, name: str, yes: bool, option: str = "--name") -> str:
    """The same for what cannot be undone: where nobody is asked, the folder is no answer."""
    if not (name or values.app or yes or console.interactive()):
        raise UsageError(f"Which app? There is no terminal to ask on: give {option}, or -y")
    return app_name(values, name)


def missing(name: str, host: str) -> DeTasksError:
    """The error for an app that is not there."""
    from de_tasks.errors import NotFound

    return NotFound(f"App [{name}] does not exist on [{host}].")
