"""`Platform` over the vendor's `de`: what it is documented to tell, and nothing invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NoReturn, TypeVar

from de_tasks.appspec import image_type
from de_tasks.config.system import temporary_folder
from de_tasks.errors import NotAvailable, NotFound
from de_tasks.platform.access import Account, AppAccess
from de_tasks.platform.de import output
from de_tasks.platform.de.command import De, Output
from de_tasks.platform.models import (
    SERVICE_TYPES,
    App,
    Build,
    Changes,
    Details,
    LogLine,
    LogPage,
    RefusedChange,
    Service,
    User,
    Verbatim,
)

T = TypeVar("T")
SINCE = (1, 10)
"""The version of `de` that has what its documentation of 1.9 lacks."""


class VendorPlatform:
    """A Dash Enterprise 5 through `de`."""

    cancels = False

    def __init__(self, de: De) -> None:
        self._de = de
        self._seen: dict[tuple[str, ...], list[str]] = {}

    def whoami(self) -> User:
        return self._read("whoami", found=output.user)

    def apps(self, dated: bool = False) -> Iterator[App]:
        self._not_available("the list of apps in a documented form", "de apps list")

    def app(self, name: str, dated: bool = False) -> App | None:
        try:
            # The one documented answer for an app that is not there; any other means that it is.
            self._de("apps", "exists", "--name", name)
            status = self._status(name)
        except NotFound:
            return None
        return App(
            name=name,
            owner="",
            url=f"{self._de.host.web}/{name}/",
            git_url="",
            running=None,
            processes=(),
            build=_build(status),
        )

    def create_app(self, name: str) -> App:
        words = ("apps", "create", "--name", name)
        out = self._de(*words)
        if not output.was_initialized(out, name):
            raise self._de.unknown(words, Output(0, out, ""))
        return App(
            name=name, owner="", url=f"{self._de.host.web}/{name}/", git_url="", running=None
        )

    def delete_app(self, name: str, services: Sequence[Service] = ()) -> None:
        # In this order: `de` finds a service by the app that it is attached to.
        for service in services:
            self.delete_service(name, service.kind)
        self._de("apps", "delete", "--name", name)

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        """The newest build; `after` counts lines of its log, and `wait` is not there to be had."""
        build = _build(self._status(name))
        return replace(build, log=self._log(name, "build", count, after)) if build else None

    def builds(self, name: str) -> Iterator[Build]:
        self._not_available("the history of deploys")

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        return self._log(name, "runtime", count, after, "--process-name", process)

    def details(self, name: str) -> Details | None:
        self._not_available("the variables and settings of an app")

    def info(self, name: str) -> Verbatim:
        return self._verbatim("apps", "info", "--name", name)

    def users(self, name: str) -> Verbatim:
        return self._verbatim("apps", "users", "--name", name)

    def thumbnail(self, details: Details) -> bytes | None:
        self._not_available("the thumbnail of an app")

    def update(self, name: str, changes: Changes) -> list[RefusedChange]:
        with temporary_folder("de-tasks-") as folder:
            options = update_options(changes)
            if changes.python_version is not None:
                self._de.need(SINCE)
            if changes.thumbnail is not None:
                picture = folder / f"thumbnail.{image_type(changes.thumbnail) or 'png'}"
                picture.write_bytes(changes.thumbnail)
                options += ["--thumbnail", str(picture)]
            if options:
                self._de("apps", "update", "--name", name, *options)
        return []

    def transfer(self, name: str, username: str) -> Verbatim:
        return self._verbatim("apps", "transfer", "--name", name, "--username", username)

    def restart(self, name: str) -> tuple[str, ...]:
        words = ("apps", "restart", "--name", name)
        out = self._de(*words)
        found = output.restarted(out)
        if not found:
            raise self._de.unknown(words, Output(0, out, ""))
        return found

    def cancel_build(self, name: str, number: str = "") -> Build:
        self._not_available("cancelling a build")

    def access(self, everything: bool = False) -> Iterator[AppAccess]:
        self._not_available("who may see which app; of one app `apps users` tells it")

    def account(self, username: str) -> Account | None:
        self._not_available("the groups of a user")

    def services(self) -> list[Service]:
        self._not_available("the list of services in a documented form", "de services list")

    def attached(self, app: str, kinds: Sequence[str] = SERVICE_TYPES) -> list[Service]:
        """The services that are there; their names `de` does not tell, so they are empty."""
        words = ("services", "exists", "--name", app, "--type")
        there = [k for k in kinds if self._read(*words, k, found=output.answer)]
        return [Service(name="", kind=kind, created="", status="", apps=(app,)) for kind in there]

    def attach_service(self, app: str, kind: str, name: str = "") -> str:
        if name:
            self._not_available("a name for a service of your own choice")
        self._de("services", "create", "--app-name", app, "--type", kind)
        return f"{app}'s {kind}"

    def update_service(self, app: str, kind: str, memory: str | None) -> Verbatim:
        if memory is None:
            self._not_available("lifting the memory limit of a service")
        options = ("--app-name", app, "--type", kind, "--memory", memory)
        return self._verbatim("services", "update", *options)

    def delete_service(self, app: str, kind: str) -> str:
        self._de("services", "delete", "--app-name", app, "--type", kind)
        return f"{app}'s {kind}"

    def _status(self, name: str) -> str:
        """The build's status, empty when there was no build."""
        return self._read("apps", "status", "--name", name, found=output.status)

    def _log(self, name: str, kind: str, count: int, after: str | None, *more: str) -> LogPage:
        """The latest lines; with a cursor, those of them that were not there the last time.

        `de` has no cursor, so what it printed last is remembered and taken off.
        """
        words = ("apps", "logs", "--name", name, "--type", kind, "--count", str(count), *more)
        now = self._de(*words).splitlines()
        key = (name, kind, *more)
        before = self._seen.get(key, []) if after not in (None, "0") else []
        self._seen[key] = now
        process = more[-1] if more else "build"
        lines = tuple(LogLine("", process, text) for text in fresh(before, now))
        return LogPage(lines, "seen")

    def _read(self, *words: str, found: Callable[[str], T | None]) -> T:
        """What `found` reads out of the output. Raises an error with all of it when nothing."""
        out = self._de(*words)
        value = found(out)
        if value is None:
            raise self._de.unknown(words, Output(0, out, ""))
        return value

    def _verbatim(self, *words: str) -> Verbatim:
        """What a command of version 1.10 prints, none of whose sentences is documented."""
        self._de.need(SINCE)
        return Verbatim(self._de(*words).rstrip())

    def _not_available(self, what: str, instead: str = "") -> NoReturn:
        other = f" What it has: {instead}" if instead else ""
        raise NotAvailable(f"Not available through `de`: {what}.{other}")


def update_options(changes: Changes) -> list[str]:
    """The options of `de apps update` that make the changes, but for the thumbnail."""
    options: list[str] = []
    for name, value in (
        ("title", changes.title),
        ("description", changes.description),
        ("view-access", changes.view_access),
        ("portal-rank", changes.portal_rank),
        ("maintainer-email", changes.maintainer_email),
        ("python-version", changes.python_version),
    ):
        options += [f"--{name}", str(value)] if value is not None else []
    for name, without, on in (
        ("visible-on-portal", "not-visible-on-portal", changes.visible_on_portal),
        ("persistent-filesystem", "no-persistent-filesystem", changes.persistent_filesystem),
    ):
        options += [] if on is None else [f"--{name if on else without}"]
    for name, values in (
        ("add-viewer", changes.add_viewers.users),
        ("add-group-viewer", changes.add_viewers.groups),
        ("remove-viewer", changes.remove_viewers.users),
        ("remove-group-viewer", changes.remove_viewers.groups),
        ("add-co-owner", changes.add_co_owners.users),
        ("add-group-co-owner", changes.add_co_owners.groups),
        ("remove-co-owner", changes.remove_co_owners.users),
        ("remove-group-co-owner", changes.remove_co_owners.groups),
        ("add-environment-variable", [f"{k}={v}" for k, v in changes.set_variables.items()]),
        ("remove-environment-variable", changes.remove_variables),
        ("tag", changes.add_tags),
        ("remove-tag", changes.remove_tags),
    ):
        for value in values:
            options += [f"--{name}", value]
    return options


def fresh(before: list[str], now: list[str]) -> list[str]:
    """The lines of `now` that follow those of `before`, of which the first may have gone."""
    for gone in range(len(before)):
        kept = before[gone:]
        if now[: len(kept)] == kept:
            return now[len(kept) :]
    return now


def _build(status: str) -> Build | None:
    """What `de` tells of the newest build is its status alone."""
    return (
        Build(id="", status=status, sha="", message="", author="", queued_at="") if status else None
    )
