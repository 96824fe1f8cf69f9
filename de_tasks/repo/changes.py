"""Which files differ from an earlier commit, in the developer's own repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.repo.git import Git

NO_COMMIT = re.compile(r"0{7,64}")
"""What CI systems give for "before" when a branch is new."""


@dataclass(frozen=True)
class Changed:
    """Files that were added, changed or deleted since `base`; None stands for all files.

    `base` is the commit that was compared with: where the two histories parted, if they did.
    """

    top: Path
    base: str
    files: tuple[Path, ...] | None
    parted: bool = False


def changed_since(folder: Path, ref: str) -> Changed:
    """Compare the files of the repository around `folder`, as they are, with a commit.

    A commit that is no ancestor gives way to the common one, so that what others did since is
    not taken for ours. Zeros, which CI systems send for a new branch, mean that everything is
    new. Raises `UsageError` when there is no repository or no such commit in it.
    """
    git = Git(None)
    top = git.run("rev-parse", "--show-toplevel", cwd=folder)
    if top.returncode:
        raise UsageError(f"{folder} is not in a git repository: --changed-since needs one.")
    root = Path(top.stdout.removesuffix("\n"))
    if NO_COMMIT.fullmatch(ref):
        return Changed(root, "", None)
    wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    commit = git.run(*wanted, cwd=root).stdout.strip()
    if not commit:
        raise UsageError(
            f"There is no commit {ref!r} in {root}. Is it fetched? "
            "A CI's shallow clone lacks it: ask for the whole history (fetch-depth: 0)"
        )
    common = git.run("merge-base", commit, "HEAD", cwd=root).stdout.strip()
    base = common or commit
    listed = git("diff", "--name-only", "--no-renames", "-z", base, "--", cwd=root)
    new = git("ls-files", "--others", "--exclude-standard", "-z", cwd=root)
    names = sorted({name for name in (listed + new).split("\0") if name})
    return Changed(root, base, tuple(root / name for name in names), parted=base != commit)
