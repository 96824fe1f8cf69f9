"""Whose settings `invoke.yaml` has: those of one app, or of each app of a repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.deployment.fleets.apps import FleetApp
from de_tasks.deployment.settings import form, outside, secret_texts
from de_tasks.deployment.settings.form import WantedSettings
from de_tasks.deployment.settings.plan import OutsideValues
from de_tasks.errors import UsageError
from de_tasks.platform.connect import Connection, app_name

EXAMPLE = "\nde:\n  settings:\n    title: Sales\n    view_access: restricted"


@dataclass(frozen=True)
class AppWithSettings:
    """An app, what it should have, what is outside the file, and the way to its host."""

    name: str
    wanted: WantedSettings
    outside: OutsideValues
    connect: Callable[[], Connection]


@dataclass(frozen=True)
class Ways:
    """The apps of the repository, and how to connect: for one of them, and for the app at hand."""

    listed: Callable[[], Sequence[FleetApp]]
    fleet: Callable[[FleetApp], Connection]
    single: Callable[[], Connection]


def choose(
    values: Settings, root: Path, ways: Ways, name: str = "", all: bool = False, host: str = ""
) -> list[AppWithSettings]:
    """The apps that were asked for: all, one by its name, or the app at hand. With a `host`, only
    entries that are for it.

    Raises `UsageError` for settings that are wrong or missing, and for an app that is not listed.
    """
    if all and name:
        raise UsageError("--all contradicts --name: give one of them.")
    if all or (values.apps and (name or not values.app)):
        fleet = ways.listed()
        if not all:
            fleet = _on(host, _named(fleet, name)) if host else _named(fleet, name)
        return with_settings(fleet, values, root, ways.fleet)
    wanted = app_name(values, name)
    if not values.settings:
        raise UsageError(f"No settings are listed for {wanted}. List them in invoke.yaml:{EXAMPLE}")
    return _read([(wanted, values.settings, "de.settings", ways.single)], root)


def with_settings(
    fleet: Sequence[FleetApp],
    values: Settings,
    root: Path,
    connect: Callable[[FleetApp], Connection],
) -> list[AppWithSettings]:
    """Apps of a fleet, each with the settings of all and its own over them."""

    def way(app: FleetApp) -> Callable[[], Connection]:
        return lambda: connect(app)

    given = [
        (app.name, form.merged(values.settings, app.settings), _place(app), way(app))
        for app in fleet
    ]
    return _read(given, root)


def _named(fleet: Sequence[FleetApp], name: str) -> Sequence[FleetApp]:
    names = ", ".join(dict.fromkeys(app.name for app in fleet))
    if not name:
        raise UsageError(f"Which app? Give --name NAME, or --all. There are: {names}")
    found = tuple(app for app in fleet if app.name == name)
    if not found:
        raise UsageError(f"There is no app {name!r} in de.apps. It has: {names}")
    return found


def _on(host: str, found: Sequence[FleetApp]) -> list[FleetApp]:
    """The entry for a host: one that names it, else one that names none."""
    own = [
        app for app in found if app.host and Host.parse(app.host, insecure_http=True).name == host
    ]
    fitting = own or [app for app in found if not app.host]
    if not fitting:
        raise UsageError(f"de.apps lists {found[0].name} for other hosts, and not for {host}.")
    return fitting


def _place(app: FleetApp) -> str:
    return f"de.apps ({app.name}), settings"


def _read(
    given: Sequence[tuple[str, Mapping[str, object], str, Callable[[], Connection]]], root: Path
) -> list[AppWithSettings]:
    # First, since an error of the form may name the value.
    secret_texts.refuse([pair for _, section, at, _ in given for pair in form.texts(section, at)])
    found = []
    for name, section, where, connect in given:
        wanted = form.parse(section, where, root)
        found.append(AppWithSettings(name, wanted, outside.read(wanted, where, root), connect))
    return found
