"""What a push sends, as git tells it and not as HEAD or the working tree have it.

git writes each ref of a push to the hook's standard input (githooks(5), pre-push). The
pre-commit framework reads these lines itself and passes on the first that brings something
new, in `PRE_COMMIT_*` variables; for the first push of a repository without any commit's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from de_tasks.githooks import repository

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.repo.source import Commit

BRANCHES = "refs/heads/"


class PushedBranch:
    """A branch that is being pushed: `commit` goes to `branch` of the remote.

    `remote` is the remote's name, or its address where it has none. `before` is the commit
    that the branch has there, empty for a new branch, None where nobody told.
    """

    def __init__(
        self, branch: str, commit: str, remote: str, address: str, before: str | None
    ) -> None:
        self.branch = branch
        self.commit = commit
        self.remote = remote
        self.address = address
        self.before = before

    def forced(self) -> bool:
        """Whether the remote would lose commits, or refuse the push to keep them."""
        before = self.before
        if before is None:
            before = repository.commit_of_remote(self.address, f"{BRANCHES}{self.branch}")
        return bool(before) and not repository.is_ancestor(before, self.commit)


def read(
    remote: str, address: str, lines: Iterable[str], environment: Mapping[str, str]
) -> Iterator[PushedBranch]:
    """The branches that are pushed; tags and branches that are deleted are left out.

    `remote` and `address` are git's arguments of the hook; without them, pre-commit called.
    """
    if remote:
        for line in filter(str.strip, lines):
            # The first word is as it was typed, and `main@{1 hour ago}` has spaces.
            _, commit, ref, before = line.rsplit(maxsplit=3)
            if ref.startswith(BRANCHES) and commit.strip("0"):
                known = before if before.strip("0") else ""
                yield PushedBranch(ref[len(BRANCHES) :], commit, remote, address, known)
        return
    ref = environment.get("PRE_COMMIT_REMOTE_BRANCH", "")
    if ref.startswith(BRANCHES):
        local = environment["PRE_COMMIT_LOCAL_BRANCH"]
        yield PushedBranch(
            ref[len(BRANCHES) :],
            environment.get("PRE_COMMIT_TO_REF") or repository.commit_of(local),
            environment["PRE_COMMIT_REMOTE_NAME"],
            environment["PRE_COMMIT_REMOTE_URL"],
            None,
        )


def commit_source(push: PushedBranch, path: str) -> Commit:
    """The folder `path` as the pushed commit has it, whatever is checked out.

    Raises `UsageError` when the commit has no such folder.
    """
    from dataclasses import replace
    from pathlib import Path

    from de_tasks.errors import UsageError
    from de_tasks.repo.source import find_commit

    top = Path(repository.git("rev-parse", "--show-toplevel") or ".").resolve()
    folder = Path(path).expanduser().resolve()
    if not folder.is_relative_to(top):
        raise UsageError(f"{path} is not in the repository {top}: set de.path")
    commit = replace(find_commit(top, push.commit), name=push.branch)
    inside = folder.relative_to(top).as_posix()
    if inside == ".":
        return commit
    tree = repository.git("rev-parse", "--verify", "--quiet", f"{push.commit}:{inside}")
    if tree is None or repository.git("cat-file", "-t", tree) != "tree":
        raise UsageError(f"There is no folder {inside} in commit {push.commit[:10]}.")
    return replace(commit, tree=tree)
