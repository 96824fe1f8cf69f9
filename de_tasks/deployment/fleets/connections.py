"""The hosts of a fleet, each connected to once, and the deploys of its apps made ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from de_tasks.config.context import Configuration, settings
from de_tasks.deployment.begin import deploy_of, plan_of
from de_tasks.net.shards import Shard
from de_tasks.platform.connect import Connection, connect

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.fleets.apps import Chosen, FleetApp
    from de_tasks.deployment.fleets.parallel import Job, Rollout
    from de_tasks.deployment.fleets.shared_reads import SharedReads
    from de_tasks.deployment.plan import Plan, ReadyDeploy
    from de_tasks.net.budget import Window
    from de_tasks.net.retry import Wait
    from de_tasks.platform.models import App
    from de_tasks.platform.protocol import DeployPlatform

WAIT_SECONDS = 6 * 3600
"""The longest that one request of a rollout waits for points: hundreds of windows."""
ALONE = Shard()
CONNECTS = ("host", "ca_path", "insecure_http", "keyfile", "no_keyfile")
"""Settings that decide about a connection."""

Key = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Ready:
    """A deploy that can begin: its plan, and the app as it is on the host."""

    plan: Plan
    job: Job
    app: Callable[[], App | None]


class Connections:
    """The connections of a fleet's apps; what a host tells is read once for all of them.

    `tell` hears of waits that are no single app's; `shard` is this machine among those at work.
    """

    def __init__(
        self,
        configuration: Configuration,
        tell: Callable[[Wait], None],
        shard: Shard = ALONE,
    ) -> None:
        self._configuration = configuration
        self._shard = shard
        self._core = configuration.get("de_flags", {})
        self.tell = tell
        self._connected: dict[Key, Connection] = {}
        self._shared: dict[Key, SharedReads] = {}
        self._names: dict[Key, list[str]] = {}

    def settings(self, app: FleetApp, **flags: object) -> Settings:
        """The settings of an app: its own override those of all, core options both."""
        own = {name: value for name, value in app.own.items() if name not in self._core}
        found = self._configuration
        if app.check:
            section = {name: found["de"][name] for name in found["de"].keys()}
            for name, value in app.check.items():
                before: Any = section.get(name)
                if isinstance(value, Mapping) and hasattr(before, "keys"):
                    value = {**before, **value}
                section[name] = value
            found = {**found, "de": section}
        return settings(found, **{**own, **{n: v for n, v in flags.items() if v}})

    def to(self, app: FleetApp, tell: Callable[[Wait], None] | None = None) -> Connection:
        """The connection of an app."""
        key = _key(app)
        if key not in self._connected:
            own = {name: value for name, value in key if name not in self._core}
            values = settings(self._configuration, retry_deadline=str(WAIT_SECONDS), **own)
            made = self._connected[key] = connect(values, tell or self.tell)
            if made.account and not self._shard.alone:
                made.account.budget = made.account.budget.of_shard(self._shard)
        self._names.setdefault(key, []).append(app.name)
        return self._connected[key]

    def platform(self, app: FleetApp) -> DeployPlatform:
        """The host of an app, asked with all its apps together."""
        return self._shared.get(_key(app)) or self.to(app).platform

    def settle(self, app: FleetApp) -> None:
        """Nothing more is to be done with an app."""
        shared = self._shared.get(_key(app))
        if shared:
            shared.settle(app.name)

    def read(self, pause: Callable[[float], None] = time.sleep) -> None:
        """Ask every host for its apps; `pause` is how to wait from now on."""
        from de_tasks.deployment.fleets.shared_reads import SharedReads

        for key, connection in self._connected.items():
            account = connection.account
            if account is None:
                continue  # `de` has no list of apps in a documented form.
            account.policy = replace(account.policy, sleep=pause)
            self._shared[key] = SharedReads(
                connection.platform, self._names[key], account.budget.ours, pause
            )

    def left(self) -> Sequence[Window]:
        """What is left of the points of each account."""
        return [c.account.budget.known() for c in self._connected.values() if c.account]


def make_ready(
    connections: Connections,
    chosen: Chosen,
    rollout: Rollout,
    timeout: str,
    message: str,
    check: bool = True,
) -> Ready:
    """The deploy of one app."""
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.fleets.parallel import Job
    from de_tasks.deployment.watch import LAST_LINES

    app = chosen.app
    values = connections.settings(app, timeout=timeout)

    def tell(wait: Wait) -> None:
        event = Event("wait", wait.text, {"seconds": round(wait.seconds, 1)})
        if not rollout.tell(event):
            connections.tell(wait)

    connection = connections.to(app, tell)
    plan = plan_of(
        connection,
        values,
        name=app.name,
        source=app.folder,
        # What there was to ask was asked for all of them together.
        confirm=lambda question: True,
        message=message,
        again=_only_shared(chosen),
        check=check,
    )

    def begin(tell: Callable[[Event], None]) -> ReadyDeploy:
        return deploy_of(plan, values, connection, tell, connections.platform(app))

    def last_lines() -> tuple[str, ...]:
        build = connection.platform.build(app.name, count=LAST_LINES)
        return tuple(line.text for line in build.log.lines) if build else ()

    def settle() -> None:
        connections.settle(app)

    job = Job(app.name, connection.host.name, begin, last_lines, settle)
    return Ready(plan, job, lambda: connections.platform(app).app(app.name))


def question(ready: Sequence[Ready]) -> str:
    """What there is to ask before all these deploys begin; empty when there is nothing."""
    from de_tasks.deployment.plan import foreign

    there = [(one, one.app()) for one in ready]
    new = [one.plan.name for one, app in there if app is None]
    others = [
        f"{one.plan.name} ({app.build.author or 'somebody'})"
        for one, app in there
        if app and app.build and foreign(app.build, one.plan.user)
    ]
    words = []
    if new:
        words.append(f"To be created: {', '.join(new)}.")
    if others:
        words.append(f"Deployed by others: {', '.join(others)}.")
    if not words and not any(one.plan.always_ask for one in ready):
        return ""
    hosts = " and ".join(dict.fromkeys(one.plan.host for one in ready))
    count = f"{len(ready)} app{'s' if len(ready) > 1 else ''}"
    return " ".join([*words, f"Deploy {count} to {hosts}?"])


def _key(app: FleetApp) -> Key:
    return tuple((name, app.own[name]) for name in CONNECTS if name in app.own)


def _only_shared(chosen: Chosen) -> bool:
    """Whether what changed lies outside the app's folder: then the folder may be as it was."""
    files = chosen.files or ()
    return bool(files) and not any(file.is_relative_to(chosen.app.folder) for file in files)
