"""de-deploy, before a push: deploy the pushed commit when its branch maps to an app."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from de_tasks.githooks import branches, runner
from de_tasks.githooks.pushes import PushedBranch, commit_source

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.config.settings import Settings

NAME = "de-deploy"
ABOUT = (
    "Deploy the commit that is being pushed to the app that its branch maps to in de.branches; "
    "without de.branches, the default branch to the app of this folder."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Deploy each pushed branch that maps to an app."""
    parser = runner.pre_push_parser(NAME, ABOUT)
    parser.add_argument(
        "--allow-forced", action="store_true", help="deploy what is no fast-forward, too"
    )
    options = parser.parse_args(argv)
    return runner.run(options, NAME, "push", lambda: _deploy_all(options))


def _deploy_all(options: argparse.Namespace) -> None:
    folder = options.path or "."
    pushes = [push for push in runner.pushed(options) if not branches.surely_none(push, folder)]
    if not pushes:
        return
    values = runner.settings(options.path)
    wanted = [(push, name) for push in pushes if (name := branches.app_of(push, values))]
    if not options.allow_forced:
        for push, _ in wanted:
            _refuse_forced(push)
    for push, name in wanted:
        _deploy(push, name, values, check=not options.no_check)


def _refuse_forced(push: PushedBranch) -> None:
    from de_tasks.errors import DeTasksError

    if push.forced():
        raise DeTasksError(
            f"{push.branch} of {push.remote} has commits that {push.commit[:7]} lacks, and its "
            "remote may refuse what would then be deployed. Pull first, or give --allow-forced"
        )


def _deploy(push: PushedBranch, name: str, values: Settings, check: bool) -> None:
    from de_tasks.deployment.begin import deploy_of, plan_of
    from de_tasks.githooks.output import DeployOutput

    source = commit_source(push, values.path)
    connection = runner.connect(values)
    plan = plan_of(
        connection,
        values,
        name=name,
        source=source,
        confirm=lambda question: values.hooks_yes or _refuse(question, name, push),
        check=check,
    )
    with DeployOutput(NAME) as tell:
        deploy_of(plan, values, connection, tell).run()


def _refuse(question: str, name: str, push: PushedBranch) -> bool:
    from de_tasks.errors import DeTasksError
    from de_tasks.terminal.commands import typed

    seen = question.removesuffix(" Create it?").removesuffix(" Overwrite?")
    raise DeTasksError(
        f"{seen} A hook does not decide that by itself: type "
        f"{typed(f'deploy --name {name} --ref {push.commit[:10]}')}, or set de.hooks_yes"
    )
