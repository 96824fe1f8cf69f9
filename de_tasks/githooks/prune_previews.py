"""de-prune-previews, after a merge: delete the previews whose branch is gone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from de_tasks.githooks import edge

NAME = "de-prune-previews"
ABOUT = (
    "Name the previews whose branch is gone, and delete them where de.hooks_yes is set "
    "or --yes is given."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Name or delete the previews that have outlived their use."""
    parser = edge.parser(NAME, ABOUT)
    parser.add_argument("--yes", action="store_true", help="delete them")
    parser.add_argument("--remote", default="origin", help="whose branches count (origin)")
    parser.add_argument("squashed", nargs="?", help=argparse.SUPPRESS)  # git: 1 for a squash
    options = parser.parse_args(argv)
    return edge.run(options, NAME, "", lambda: _prune(options))


def _prune(options: argparse.Namespace) -> None:
    from pathlib import Path

    from de_tasks import previews
    from de_tasks.repo.branches import known_branches
    from de_tasks.spelling import typed
    from de_tasks.tasks.base import connect, settings
    from de_tasks.tasks.preview import main_app

    context = edge.context(options.path or ".")
    values = settings(context, path=options.path)
    branches = known_branches(Path(values.path).expanduser(), options.remote)
    platform = connect(context, path=options.path).platform
    listed = list(previews.listed(platform, main_app(values)))
    if not listed:
        return
    user = platform.whoami()
    found = list(previews.stale(listed, branches, None, user))
    if not (options.yes or values.hooks_yes):
        for item in found:
            edge.tell(f"{NAME}: {item.preview.name} is of no use: {item.reason}")
        if found:
            edge.tell(f"{NAME}: to delete: {typed('preview.prune')}, or set de.hooks_yes")
        return
    for item, outcome in previews.delete_all(platform, found, user):
        said = outcome if isinstance(outcome, Exception) else f"deleted, since {item.reason}"
        edge.tell(f"{NAME}: {item.preview.name}: {said}")
