"""Which files differ from an earlier commit, in the developer's own repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


@dataclass(frozen=True)
class Undeployed:
    """What differs from a commit: files as they are, and the commits since that changed them."""

    files: tuple[Path, ...] = ()
    commits: int = 0


def undeployed(folder: Path, commit: str, parts: Sequence[Path]) -> Undeployed:
    """What of some files and folders differs from a commit of the repository around `folder`.

    Raises `UsageError` when there is no repository or no such commit in it.
    """
    git = Git(None)
    root = _top(git, folder)
    _commit(git, root, commit)
    paths = ("--", *(f":(literal){part}" for part in parts))
    names = _differing(git, root, commit, *paths)
    if not names:
        return Undeployed()
    count = git.run("rev-list", "--count", f"{commit}..HEAD", *paths, cwd=root).stdout.strip()
    return Undeployed(names, int(count or 0))


def changed_since(folder: Path, ref: str) -> Changed:
    """Compare the files of the repository around `folder`, as they are, with a commit.

    A commit that is no ancestor gives way to the common one, so that what others did since is
    not taken for ours. Zeros, which CI systems send for a new branch, mean that everything is
    new. Raises `UsageError` when there is no repository or no such commit in it.
    """
    git = Git(None)
    root = _top(git, folder)
    if NO_COMMIT.fullmatch(ref):
        return Changed(root, "", None)
    commit = _commit(git, root, ref)
    common = git.run("merge-base", commit, "HEAD", cwd=root).stdout.strip()
    base = common or commit
    return Changed(root, base, _differing(git, root, base, "--"), parted=base != commit)


def _top(git: Git, folder: Path) -> Path:
    top = git.run("rev-parse", "--show-toplevel", cwd=folder)
    if top.returncode:
        raise UsageError(f"{folder} is not in a git repository: there is nothing to compare with.")
    return Path(top.stdout.removesuffix("\n"))


def _commit(git: Git, root: Path, ref: str) -> str:
    wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    commit = git.run(*wanted, cwd=root).stdout.strip()
    if not commit:
        raise UsageError(
            f"There is no commit {ref!r} in {root}. Is it fetched? "
            "A CI's shallow clone lacks it: ask for the whole history (fetch-depth: 0)"
        )
    return commit


def _differing(git: Git, root: Path, commit: str, *paths: str) -> tuple[Path, ...]:
    """Files that are not as in a commit; new ones that .gitignore leaves out do not count."""
    listed = git("diff", "--name-only", "--no-renames", "-z", commit, *paths, cwd=root)
    new = git("ls-files", "--others", "--exclude-standard", "-z", *paths, cwd=root)
    return tuple(root / name for name in sorted({*listed.split("\0"), *new.split("\0")} - {""}))
