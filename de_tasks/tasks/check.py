"""check: is the folder fit to be deployed?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import invoke

from de_tasks.config import environment
from de_tasks.errors import UsageError
from de_tasks.tasks.facts import finding_facts
from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import settings, task
from de_tasks.terminal import console, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from de_tasks.project.checks.findings import Finding

SIGNS = {"error": "failed", "warning": "look"}


@task(
    changes=READS,
    facts=finding_facts,
    help={
        "ref": "Check this commit of the folder's repository, not the files as they are",
        "secrets": "Look for keys, tokens and passwords in every file, too",
    },
)
def check(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    ref: str = "",
    secrets: bool = False,
) -> Sequence[Finding]:
    """Check that a folder can be deployed: its Procfile, requirements and files."""
    from de_tasks.appspec import check_folder
    from de_tasks.platform.connect import store
    from de_tasks.platform.version import version_of
    from de_tasks.project import checks
    from de_tasks.project.checks import report
    from de_tasks.repo.git import Git
    from de_tasks.repo.sent import of_tree
    from de_tasks.repo.source import find_commit

    if ref and secrets:
        raise UsageError("--secrets reads the files as they are: leave out --ref.")
    values = settings(context, path=path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    wanted = name or values.app or folder.resolve().name
    commit = find_commit(folder, ref) if ref else None
    sent = None
    if commit:
        sent = of_tree(Git(commit.objects.parent), commit.tree, commit.folder)
    search = None if secrets else ()
    version = version_of(values, store(values))
    found = checks.run(
        folder,
        wanted,
        values.check_limit,
        values.check_ignore,
        search,
        sent,
        version,
        values.requirements,
    )
    _show(found, folder)
    if environment.on_github():
        for command in report.workflow_commands(found, folder, environment.workspace()):
            console.annotation(command)
    words = report.conclusion(found, wanted)
    console.line(*((style.sign_of("done"), " ") if style.for_people() else ()), words)
    return found


def _show(found: Sequence[Finding], folder: Path) -> None:
    from de_tasks.project.checks import report

    if not style.for_people():
        for line in report.lines(found, folder):
            console.result(line)
        return
    for finding in found:
        sign = style.sign_of(SIGNS.get(finding.level, "off"))
        code = (f"  [{finding.code}]", "detail")
        place = (report.place(finding, folder), "name")
        console.line(sign, " ", place, f"  {finding.what}", code, out=True)
        console.line(f"    {finding.remedy}", out=True)
