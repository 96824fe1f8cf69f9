"""de-check, before a commit: stop one that could not be deployed, or that has a secret in it."""

from __future__ import annotations

import argparse
import os
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
    # Of `git commit -a` it is another one than the repository's.
    index = os.environ.get("GIT_INDEX_FILE", "")
    options.index = os.path.abspath(index) if index else ""
    return runner.run(options, NAME, "commit", lambda: _check(options))


def _check(options: argparse.Namespace) -> None:
    from pathlib import Path

    from de_tasks.appspec import check_folder
    from de_tasks.config import environment
    from de_tasks.errors import UsageError
    from de_tasks.platform.connect import store
    from de_tasks.platform.version import version_of
    from de_tasks.project import checks
    from de_tasks.project.checks import report
    from de_tasks.repo.sent import of_index
    from de_tasks.terminal import console

    values = runner.settings(options.path)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    named = () if options.no_secrets or "secret" in values.check_ignore else options.files
    search = [Path(os.path.relpath(file, folder)).as_posix() for file in named]
    if search and checks.secrets.program() is None:
        # pre-commit shows nothing of a hook that passes: a word of warning would not be seen.
        raise UsageError(
            'cannot look for secrets. Type: pip install "de-tasks[secrets]". '
            "To commit without looking for them: args: [--no-secrets] in .pre-commit-config.yaml"
        )
    # The app that a push deploys to, where branches map to apps.
    app = values.app or str(next(iter(values.branches.values()), folder.resolve().name))
    found = checks.run(
        folder,
        app,
        values.check_limit,
        values.check_ignore,
        search,
        of_index(folder, options.index),
        version_of(values, store(values)),
        values.requirements,
    )
    for line in report.lines(found, folder):
        console.result(line)
    if environment.on_github():
        for command in report.workflow_commands(found, folder, environment.workspace()):
            console.annotation(command)
    console.note(report.conclusion(found, app))
