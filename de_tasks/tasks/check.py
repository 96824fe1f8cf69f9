"""check: is the folder fit to be deployed?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.context import settings
from de_tasks.tasks.task import task

if TYPE_CHECKING:
    pass


@task(help={"secrets": "Look for keys, tokens and passwords in every file, too"})
def check(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    secrets: bool = False,
    json: bool = False,
) -> None:
    """Check that a folder can be deployed: its Procfile, requirements and files."""
    from de_tasks.appspec import check_folder
    from de_tasks.project import checks
    from de_tasks.project.checks.report import report

    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    wanted = name or values.app or folder.resolve().name
    found = checks.run(
        folder, wanted, values.check_limit, values.check_ignore, None if secrets else ()
    )
    report(found, folder, wanted, json)
