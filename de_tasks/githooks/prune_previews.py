"""de-prune-previews, after a merge: delete the previews whose branch is gone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from de_tasks.githooks import runner

NAME = "de-prune-previews"
ABOUT = (
    "Name the previews whose branch is gone, and delete them where de.hooks_yes is set "
    "or --yes is given."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Name or delete the previews that have outlived their use."""
    parser = runner.parser(NAME, ABOUT)
    parser.add_argument("--yes", action="store_true", help="delete them")
    parser.add_argument("--remote", default="origin", help="whose branches count (origin)")
    parser.add_argument("squashed", nargs="?", help=argparse.SUPPRESS)  # git: 1 for a squash
    options = parser.parse_args(argv)
    return runner.run(options, NAME, "", lambda: _prune(options))


def _prune(options: argparse.Namespace) -> None:
    from pathlib import Path

    from de_tasks.deployment.previews import prune
    from de_tasks.deployment.previews.deploy import main_app
    from de_tasks.repo.branches import known_branches
    from de_tasks.terminal.commands import typed

    values = runner.settings(options.path)
    branches = known_branches(Path(values.path).expanduser(), options.remote)
    platform = runner.connect(values).platform
    listed = list(prune.listed(platform, main_app(values)))
    if not listed:
        return
    user = platform.whoami()
    found = list(prune.stale(listed, branches, None, user))
    if not (options.yes or values.hooks_yes):
        for item in found:
            runner.tell(f"{NAME}: {item.preview.name} is no longer needed: {item.reason}")
        if found:
            runner.tell(f"{NAME}: to delete: {typed('preview.prune')}, or set de.hooks_yes")
        return
    for item, outcome in prune.delete_all(platform, found, user):
        said = outcome if isinstance(outcome, Exception) else f"deleted, since {item.reason}"
        runner.tell(f"{NAME}: {item.preview.name}: {said}")
