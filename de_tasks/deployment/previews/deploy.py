"""Deploying a branch to its preview."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.deployment.begin import check_of, deploy_of, plan_of
from de_tasks.errors import UsageError
from de_tasks.platform.connect import Connection, app_name
from de_tasks.terminal.proposals import one_of

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.plan import Outcome
    from de_tasks.repo.source import Commit


ACCESS = ("copy", "restricted")


def deploy_preview(
    connection: Connection,
    app: str,
    branch: str,
    source: Path | Commit,
    agreed: Callable[[str], bool],
    tell: Callable[[Event], None],
    message: str = "",
    restricted: bool = False,
    wait: bool = True,
    check: bool = True,
) -> Outcome:
    """Create the preview of a branch if it is not there, and deploy to it, telling each step.

    Raises `DeTasksError`s; `agreed` is asked before an app is created or another account's
    deploy overwritten.
    """
    from de_tasks.deployment.previews import mark, prepare

    values, platform = connection.settings, connection.platform
    if branch in values.branches:
        raise UsageError(
            f"{branch} has no preview: it is deployed to {values.branches[branch]}, as de.branches "
            "says. Name another branch with --branch"
        )
    one_of(values.preview_access, ACCESS, "de.preview.access")
    wanted = prepare.WantedPreview(
        app=app,
        branch=branch,
        user=connection.username,
        host=connection.host.name,
        variables=tuple(str(variable) for variable in values.preview_variables),
        restricted=restricted or values.preview_access == "restricted",
        mounts=tuple(str(folder) for folder in values.preview_mounts),
    )
    if check:
        # Before the preview is created.
        check_of(connection, values).run_on(source, mark.preview_name(app, branch), tell)
    prepared = prepare.prepare(platform, wanted, agreed)
    tell(prepare.told(prepared, wanted))
    plan = plan_of(
        connection,
        values,
        name=prepared.name,
        source=source,
        confirm=agreed,
        message=message,
        wait=wait,
        trailers=(mark.trailer(branch),),
        check=False,
    )
    return deploy_of(plan, values, connection, tell, platform).run()


def main_app(values: Settings, name: str = "") -> str:
    """The app whose branches have previews: the flag, `de.app`, the first of `de.branches`,
    else the folder's name."""
    first = next(iter(values.branches.values()), "")
    return app_name(values, name or values.app or str(first))
