"""What was hardly meant by `deploy`: another branch than the app's, or all apps of a repository as
one."""

from __future__ import annotations

import os
from pathlib import Path

from de_tasks.config import environment
from de_tasks.config.files import nearest
from de_tasks.config.settings import Settings
from de_tasks.errors import UsageError
from de_tasks.terminal.commands import typed


def branch_question(values: Settings, folder: Path, app: str) -> str:
    """What there is to ask where `de.branches` maps the folder's branch not to the app.

    Empty without `de.branches`, and where no branch is known. Where none is checked out, as in
    the job of a CI, it is the one that the CI names.
    """
    from de_tasks.repo.branches import head

    if not values.branches:
        return ""
    branch = head(folder)
    if branch == "":
        branch = environment.branch_of_job()
    if not branch or values.branches.get(branch) == app:
        return ""
    mapped = ", ".join(f"{name}: {to}" for name, to in values.branches.items())
    return f"de.branches does not map {branch} to {app} ({mapped}). Deploy {branch} to {app}?"


def check_single(values: Settings, folder: Path) -> None:
    """Raise `UsageError` for the top folder of a repository's apps that is not one of them."""
    from de_tasks.deployment.fleets.apps import parse

    top = nearest(str(folder))
    if not values.apps or top is None or top != os.path.abspath(folder):
        return
    apps = parse(values.apps, values.shared, Path(top))
    if (folder / "Procfile").exists() or any(app.folder == Path(top) for app in apps):
        return
    *first, last = (app.name for app in apps)
    listed = f"apps {', '.join(first)} and {last}" if first else f"app {last}"
    raise UsageError(
        f"{top} is not an app: de.apps lists the {listed} in it. "
        f"Deploy them: {typed('fleet.deploy --all')}, or one: {typed('deploy --path PATH')}"
    )
