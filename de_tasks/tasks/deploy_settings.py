"""Settings as a part of a deploy: `deploy --apply` and `fleet.deploy --apply`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.files import top
from de_tasks.errors import DeTasksError
from de_tasks.tasks.app_settings import (
    bring_in_step,
    check_applied,
    failure_of,
    planned_settings,
)
from de_tasks.tasks.fleet_list import listed
from de_tasks.tasks.settings_output import show
from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.fleets.apps import FleetApp
    from de_tasks.deployment.fleets.connections import Connections
    from de_tasks.deployment.settings.apply import Applied
    from de_tasks.deployment.settings.apps import AppWithSettings
    from de_tasks.platform.connect import Connection


def of_deploy(
    context: invoke.Context, connection: Connection, values: Settings, name: str, folder: Path
) -> list[AppWithSettings]:
    """What is listed for the app of a deploy, on its host."""
    from de_tasks.config.files import FILES, nearest
    from de_tasks.deployment.settings.apps import Ways, choose

    root = Path(nearest(str(folder), FILES) or folder)
    ways = Ways(lambda: listed(context, folders=False), lambda app: connection, lambda: connection)
    return choose(values, root, ways, name, host=connection.host.name)


def apply_to_deploy(apps: Sequence[AppWithSettings], yes: bool) -> None:
    """Give the app of a deploy its settings. Raises `DeTasksError` for what could not be done."""
    check_applied(apply_quietly(apps, yes))


def preview(apps: Sequence[AppWithSettings]) -> None:
    """Show beside a deploy that sends nothing what its settings would change."""
    from de_tasks.deployment.settings.plan import Pruning

    for one in planned_settings(apps, Pruning()):
        show(one, out=False)
        if one.error:
            console.note(str(one.error))


@dataclass(frozen=True)
class FleetApplied:
    """What came of the settings of a fleet's app, on its host."""

    app: AppWithSettings
    host: str
    applied: Applied

    def failure(self) -> DeTasksError | None:
        """Why it is not to be deployed, if so."""
        return failure_of([self.applied])


def apply_before_fleet(
    chosen: Sequence[FleetApp], hosts: Connections, values: Settings, yes: bool
) -> list[FleetApplied]:
    """Give the apps of a fleet their settings, creating those that are not there."""
    from de_tasks.deployment.settings.apply import Applied
    from de_tasks.deployment.settings.apps import with_settings

    fleet = [app for app in chosen if app.settings or values.settings]
    apps = with_settings(fleet, values, Path(top()), hosts.to)
    refused: dict[int, DeTasksError] = {}
    for number, app in enumerate(fleet):
        try:
            if hosts.platform(app).app(app.name) is None:
                hosts.platform(app).create_app(app.name)
        except DeTasksError as error:
            refused[number] = error
    there = [number for number in range(len(apps)) if number not in refused]
    done = dict(zip(there, apply_quietly([apps[number] for number in there], yes), strict=True))
    done |= {n: Applied(apps[n].name, errors=(error,)) for n, error in refused.items()}
    return [
        FleetApplied(app, hosts.to(fleet[number]).host.name, done[number])
        for number, app in enumerate(apps)
    ]


def apply_quietly(apps: Sequence[AppWithSettings], yes: bool = True) -> list[Applied]:
    """Give apps their settings as a part of a deploy, whose own output stdout is for. Nobody is
    asked again about what only an app takes that was deployed meanwhile."""
    from de_tasks.deployment.settings.plan import Pruning

    return bring_in_step(apps, Pruning(), yes=yes, out=False)
