"""What is deployed: the files of a folder, or a commit of the developer's own repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.repo.git import Git


@dataclass(frozen=True)
class Commit:
    """A commit whose tree, or the tree of a folder in it, is deployed without a working copy."""

    sha: str
    tree: str
    objects: Path
    name: str

    def __str__(self) -> str:
        return f"{self.sha[:10]} ({self.name})"


def describe(source: Path | Commit) -> str:
    """The source commit, `-dirty` when the folder differs from it, and the branch; or empty."""
    if isinstance(source, Commit):
        return str(source)
    # One command of 3 ms, where importing GitPython for it would take 50 ms of every deploy.
    arguments = ("status", "--porcelain=v2", "--branch", "--no-renames", "--", ".")
    done = Git(None).run(*arguments, cwd=source)
    lines = done.stdout.splitlines()
    facts = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    commit, branch = facts.get("branch.oid", ""), facts.get("branch.head", "")
    if done.returncode or not commit or commit == "(initial)":
        return ""
    dirty = any(not line.startswith("#") for line in lines)
    name = "" if branch == "(detached)" else f" ({branch})"
    return f"{commit[:10]}{'-dirty' if dirty else ''}{name}"


def find_commit(folder: Path, ref: str) -> Commit:
    """The commit that `ref` names in the repository around `folder`, and the folder's tree in it.

    Raises `UsageError` when there is no repository, no such commit, or no such folder in it.
    """
    import git

    try:
        repository = git.Repo(folder, search_parent_directories=True)
        commit = repository.commit(ref)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError):
        raise UsageError(f"{folder} is not in a git repository: --ref needs one.") from None
    except (git.BadName, git.GitCommandError, ValueError, IndexError):
        raise UsageError(
            f"There is no commit {ref!r} in the repository of {folder}. Is it fetched?"
        ) from None
    top = Path(repository.working_tree_dir or repository.git_dir).resolve()
    inside = folder.resolve().relative_to(top).as_posix()
    try:
        tree = commit.tree if inside == "." else commit.tree / inside
    except KeyError:
        raise UsageError(f"{inside} is not in commit {commit.hexsha[:10]}.") from None
    if tree.type != "tree":
        raise UsageError(f"{inside} is not a folder in commit {commit.hexsha[:10]}.")
    with repository.config_reader() as config:
        partial = config.has_option("extensions", "partialclone")
    if partial:
        raise UsageError(
            "This is a partial clone, which lacks files of the commit. "
            "Fetch them first: git fetch --refetch --no-filter"
        )
    objects = Path(repository.common_dir).resolve() / "objects"
    return Commit(commit.hexsha, tree.hexsha, objects, ref)
