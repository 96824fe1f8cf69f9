"""The apps that a repository lists, as every task takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.files import top
from de_tasks.config.project import own_section
from de_tasks.tasks.task import settings

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.apps import FleetApp


def listed(context: invoke.Context, folders: bool = True) -> tuple[FleetApp, ...]:
    """`de.apps`, each entry with what its own file says; see `deployment.fleets.apps.parse`."""
    from de_tasks.deployment.fleets.apps import parse

    values = settings(context)
    return parse(
        values.apps,
        values.shared,
        Path(top()),
        lambda folder: own_section(context.config, str(folder)),
        folders,
    )
