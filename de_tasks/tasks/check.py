"""check: is the folder fit to be deployed?"""

from __future__ import annotations

from pathlib import Path

import invoke

from de_tasks.config import environment
from de_tasks.tasks.task import settings, task
from de_tasks.terminal import console


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
    from de_tasks.project.checks import report

    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    wanted = name or values.app or folder.resolve().name
    found = checks.run(
        folder, wanted, values.check_limit, values.check_ignore, None if secrets else ()
    )
    if json:
        console.result_json([finding.facts() for finding in found])
    else:
        for line in report.lines(found, folder):
            console.result(line)
        for command in report.workflow_commands(found, folder) if environment.on_github() else ():
            console.annotation(command)
    words = report.conclusion(found, wanted)
    if not json:
        console.note(words)
