"""A deploy made ready, by the way that leads to the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from de_tasks.errors import NotAvailable
from de_tasks.platform.connect import Connection

if TYPE_CHECKING:
    from pathlib import Path

    from de_tasks.config.settings import Settings
    from de_tasks.deployment.checked import Check
    from de_tasks.deployment.deploy import DeployPlatform
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.plan import Plan, ReadyDeploy
    from de_tasks.platform.de.git_platform import GitPlatform
    from de_tasks.repo.cache import DeployRepository
    from de_tasks.repo.remote import Remote
    from de_tasks.repo.sent import Sent
    from de_tasks.repo.snapshot import Made
    from de_tasks.repo.source import Commit, Deployed


def plan_of(
    connection: Connection,
    values: Settings,
    *,
    name: str,
    source: Path | Commit | Deployed,
    confirm: Callable[[str], bool],
    message: str = "",
    dry_run: bool = False,
    wait: bool = True,
    overwrite: bool = True,
    again: bool = False,
    trailers: tuple[str, ...] = (),
    check: bool = True,
    origin: str = "",
    prepare: Callable[[], None] | None = None,
) -> Plan:
    """The plan of a deploy, for whoever asks for one: see `Plan` for what each value means.

    `values` are the app's settings, which in a fleet may differ from the connection's.
    """
    from de_tasks.deployment.plan import Plan

    return Plan(
        name=name,
        source=source,
        user=connection.username,
        host=connection.host.name,
        message=message,
        remote=lambda url: remote(connection, values.branch, url),
        confirm=confirm,
        timeout=values.timeout,
        dry_run=dry_run,
        wait=wait,
        overwrite=overwrite,
        always_ask=values.confirm == "always",
        again=again,
        trailers=trailers,
        check=check_of(connection, values) if check else None,
        origin=origin,
        prepare=prepare,
    )


def check_of(connection: Connection, values: Settings) -> Check:
    """What is looked for before a deploy."""
    from urllib.parse import urlsplit

    from de_tasks.config.host import LOOPBACK
    from de_tasks.deployment.checked import Check
    from de_tasks.platform.connect import store
    from de_tasks.platform.version import version_of

    local = urlsplit(connection.host.web).hostname in LOOPBACK
    version = version_of(values, store(values), connection.host.name)
    return Check(values.check_ignore, values.check_limit, local, version, values.requirements)


def deploy_of(
    plan: Plan,
    values: Settings,
    connection: Connection,
    tell: Callable[[Event], None],
    platform: DeployPlatform | None = None,
) -> ReadyDeploy:
    """The deploy of a plan, by the way that leads to the host; `platform` in place of the
    connection's own."""
    cache = repository(values, connection, plan.name)
    direct = beside_de(connection, plan.name)
    if direct:
        from de_tasks.deployment.deploy import Deploy

        if not plan.dry_run:
            # A push of ours may be the first that is asked of the server.
            direct.note_log(plan.name)
        return Deploy(plan, cache, direct, tell)
    if connection.de:
        from de_tasks.deployment.through_de import VendorDeploy

        return VendorDeploy(plan, cache, connection.platform, connection.de, tell)
    from de_tasks.deployment.deploy import Deploy

    account = connection.account
    waited = (lambda: account.waited) if account else (lambda: 0.0)
    return Deploy(plan, cache, platform or connection.platform, tell, waited)


def beside_de(connection: Connection, app: str) -> GitPlatform | None:
    """The platform whose deploys go by git, where that is to be had beside `de`.

    Raises `UsageError` where the settings want it and it is not.
    """
    if connection.git is None or connection.de is None:
        return None
    if connection.settings.git_transport == "auto" and not connection.git.look(app).login:
        return None
    from de_tasks.platform.de.git_platform import GitPlatform

    return GitPlatform(connection.de, connection.git)


def with_history(connection: Connection, app: str) -> Connection:
    """The same connection, with a platform that tells the deploys of an app where git does."""
    from dataclasses import replace

    direct = beside_de(connection, app)
    return replace(connection, platform=direct) if direct else connection


def repository(values: Settings, connection: Connection, app: str) -> DeployRepository:
    """The deploy repository of an app."""
    from de_tasks.config.settings import cache_folder
    from de_tasks.repo.cache import DeployRepository

    made = _locked(values.requirements) if values.requirements else None
    return DeployRepository(cache_folder(values), connection.host.name, app, made=made)


def _locked(lock: str) -> Made:
    """Makes requirements.txt from a lock."""
    from de_tasks.appspec import REQUIREMENTS
    from de_tasks.project import locks

    def made(sent: Sent) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
        found = locks.read(lock, sent)
        return {REQUIREMENTS: found.text}, (found.trailer,)

    return made


def remote(connection: Connection, branch: str, url: str) -> Remote:
    """The way to a branch at a git address, with the present login.

    Raises `NotAvailable` through `de`, which has no address to tell, and `DeTasksError` for an
    address that the login is not for.
    """
    from de_tasks.repo.remote import Remote

    if connection.account:
        host, ca_path = connection.host, connection.settings.ca_path
        return Remote(host.entrusted(url), branch, connection.account, ca_path, host.trusted)
    if connection.git is None or not url:
        raise NotAvailable("Not available through `de`: the files that are deployed.")
    return connection.git.remote(url, branch)
