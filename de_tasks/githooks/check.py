"""de-check, before a commit: stop one that could not be deployed, or that has a secret in it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from de_tasks.githooks import runner

NAME = "de-check"
ABOUT = (
    "Check that the app's folder can be deployed, and look for secrets in the files that are "
    "committed, which pre-commit names."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Check the app's folder, and the files that are named."""
    parser = runner.parser(NAME, ABOUT)
    parser.add_argument("--no-secrets", action="store_true", help="do not look for secrets")
    parser.add_argument("files", nargs="*", help="files to look for secrets in")
    options = parser.parse_args(argv)
    return runner.run(options, NAME, "commit", lambda: _check(options))


def _check(options: argparse.Namespace) -> None:
    import os
    from pathlib import Path

    from de_tasks.appspec import check_folder
    from de_tasks.config import environment
    from de_tasks.project import checks
    from de_tasks.project.checks import report
    from de_tasks.terminal import console

    values = runner.settings(options.path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    search = [os.path.relpath(file, folder) for file in options.files]
    if search and not options.no_secrets and checks.secrets.program() is None:
        runner.tell(
            f"{NAME}: no secrets were looked for: that needs pip install 'de-tasks[secrets]'"
        )
        search = []
    app = values.app or folder.resolve().name
    found = checks.run(
        folder, app, values.check_limit, values.check_ignore, () if options.no_secrets else search
    )
    for line in report.lines(found, folder):
        console.result(line)
    for command in report.workflow_commands(found, folder) if environment.on_github() else ():
        console.annotation(command)
    console.note(report.conclusion(found, app))
