"""Which files differ from an earlier commit, in the developer's own repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.errors import UsageError
from de_tasks.repo.checkout import commit_of, opened, top_of
from de_tasks.repo.git import Git
from de_tasks.repo.user_settings import reading

if TYPE_CHECKING:
    import git

NO_COMMIT = re.compile(r"0{7,64}")
"""What CI systems give for "before" when a branch is new."""
FILTERS = r"^filter\..*\.(clean|process|smudge|required)$"
LINK = "160000"
"""The mode of a submodule."""
NOTHING = "there is nothing to compare with."


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
    with opened(folder, NOTHING) as repository:
        since = _commit(repository, commit)
        paths = [f":(literal){part}" for part in parts]
        names = _differing(repository, since, *paths)
        if not names or not repository.head.is_valid():
            return Undeployed(names)
        commits = repository.iter_commits(f"{since.hexsha}..HEAD", paths)
        return Undeployed(names, sum(1 for _ in commits))


def changed_since(folder: Path, ref: str) -> Changed:
    """Compare the files of the repository around `folder`, as they are, with a commit.

    A commit that is no ancestor gives way to the common one, so that what others did since is
    not taken for ours. Zeros, which CI systems send for a new branch, mean that everything is
    new. Raises `UsageError` when there is no repository or no such commit in it.
    """
    with opened(folder, NOTHING) as repository:
        if NO_COMMIT.fullmatch(ref):
            return Changed(top_of(repository), "", None)
        commit = _commit(repository, ref)
        common = repository.merge_base(commit, "HEAD") if repository.head.is_valid() else []
        base = next(iter(common), commit)
        files = _differing(repository, base)
        return Changed(top_of(repository), base.hexsha, files, parted=base != commit)


def _commit(repository: git.Repo, ref: str) -> git.Commit:
    commit = commit_of(repository, ref)
    if commit is None:
        raise UsageError(
            f"There is no commit {ref!r} in {top_of(repository)}. Is it fetched? "
            "A CI's shallow clone lacks it: ask for the whole history (fetch-depth: 0)"
        )
    return commit


def _differing(repository: git.Repo, commit: git.Commit, *paths: str) -> tuple[Path, ...]:
    """Files that are not as in a commit; new ones that .gitignore leaves out do not count."""
    top = top_of(repository)
    return tuple(top / name for name in sorted(_names(top, commit.hexsha, *paths)))


def _names(top: Path, commit: str, *paths: str) -> set[str]:
    git = Git(None, reading)
    # A submodule's own git would look into it, with all that its settings name.
    options = ("--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=dirty", "-z")
    unfiltered = _unfiltered(git, top)
    changed = git("diff", *options, commit, "--", *paths, cwd=top, config=unfiltered)
    new = git("ls-files", "--others", "--exclude-standard", "-z", "--", *paths, cwd=top)
    names = {*changed.split("\0"), *new.split("\0")} - {""}
    for entry in git("ls-files", "--stage", "-z", "--", *paths, cwd=top).split("\0"):
        facts, _, name = entry.partition("\t")
        if facts.startswith(LINK) and name not in names and (top / name / ".git").exists():
            names |= {name} if _names(top / name, "HEAD") else set()
    return names


def _unfiltered(git: Git, top: Path) -> dict[str, str]:
    """Settings without which git would run the filters that a repository names."""
    named = git.run("config", "--null", "--name-only", "--get-regexp", FILTERS, cwd=top).stdout
    return {key: "false" if key.endswith("required") else "" for key in named.split("\0") if key}
