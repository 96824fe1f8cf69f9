"""de-preview, before a push: deploy the pushed commit of any other branch as a preview."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from de_tasks.githooks import repository, runner
from de_tasks.githooks.pushes import PushedBranch, commit_source

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.config.settings import Settings

NAME = "de-preview"
ABOUT = (
    "Deploy the commit that is being pushed to an app of its own, the preview of its branch. "
    "The default branch and those in de.branches are left to de-deploy."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Deploy the preview of each pushed branch."""
    options = runner.pre_push_parser(NAME, ABOUT).parse_args(argv)
    return runner.run(options, NAME, "push", lambda: _deploy_all(options))


def _deploy_all(options: argparse.Namespace) -> None:
    for push in runner.pushed(options):
        if not repository.is_default(push.branch, push.remote):
            _deploy(push, runner.settings(options.path), check=not options.no_check)


def _deploy(push: PushedBranch, values: Settings, check: bool) -> None:
    from de_tasks.deployment.previews.deploy import deploy_preview, main_app
    from de_tasks.githooks.output import DeployOutput

    if push.branch in values.branches:
        return
    source = commit_source(push, values.path)
    connection = runner.connect(values)

    def agreed(question: str) -> bool:
        if not values.hooks_yes:
            raise _Undecided(question)
        return True

    try:
        with DeployOutput(NAME) as tell:
            deploy_preview(
                connection=connection,
                app=main_app(values),
                branch=push.branch,
                source=source,
                agreed=agreed,
                tell=tell,
                check=check,
            )
    except _Undecided as undecided:
        # Nothing has failed, so nothing stops the push.
        from de_tasks.terminal.commands import typed

        command = typed(f"preview.deploy --branch {push.branch} --ref {push.commit[:10]}")
        runner.tell(
            f"{NAME}: {undecided} A hook does not decide that by itself: type {command}, "
            "or set de.hooks_yes"
        )


class _Undecided(Exception):
    """Something needs a yes, and nobody is there to say it."""
