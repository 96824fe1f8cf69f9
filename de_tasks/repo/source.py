"""What is deployed: the files of a folder, or a commit of the developer's own repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.repo.checkout import commit_of, opened, top_of
from de_tasks.repo.errors import Distrusted
from de_tasks.repo.git import Git, Running
from de_tasks.repo.remote import Remote
from de_tasks.repo.user_settings import reading


@dataclass(frozen=True)
class Commit:
    """A commit whose tree, or the tree of a folder in it, is deployed without a working copy.

    `folder` is where that folder would be in the working copy that there may be.
    """

    sha: str
    tree: str
    objects: Path
    name: str
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{self.sha[:10]} ({self.name})"


@dataclass(frozen=True)
class Deployed:
    """A commit that was deployed earlier, and is to be fetched if it is not here."""

    sha: str
    remote: Remote


class Origin:
    """Where the files of a source come from, asked while they are read.

    `tell` gets a sentence where git does not say.
    """

    def __init__(self, source: Path | Commit, tell: Callable[[str], None]) -> None:
        self._source = source
        self._tell = tell
        self._git = Git(None, reading)
        self._looks: list[Running] = []
        if isinstance(source, Path) and source.is_dir():
            # Commands of 2 ms, where importing GitPython would take 50 ms of every deploy.
            looks = (("HEAD", "--abbrev-ref", "HEAD"), ("--verify", "--quiet", "HEAD:./"))
            self._looks = [self._git.begin("rev-parse", *look, cwd=source) for look in looks]

    def end(self) -> None:
        """Ask no longer."""
        self._git.end()

    def describe(self, tree: str) -> str:
        """The source commit, `-dirty` when `tree` differs from it, and the branch; or empty.

        What is deployed is compared, and not what git would call modified: a file that only
        the outer .gitignore hides is deployed, and is not in the commit.
        """
        if isinstance(self._source, Commit):
            return str(self._source)
        try:
            head, inside = (look.done() for look in self._looks)
        except Distrusted as error:
            self._tell(f"The deploy does not name the commit that it is made from: {error}")
            return ""
        if head.returncode:
            return ""
        commit, branch = head.stdout.splitlines()
        if len(commit) != len(tree):
            self._tell(
                "The deploy does not name the commit that it is made from: the repository names "
                "its objects by SHA-256, and what is deployed cannot be compared with them."
            )
            return ""
        dirty = "" if inside.stdout.strip() == tree else "-dirty"
        return f"{commit[:10]}{dirty}{'' if branch == 'HEAD' else f' ({branch})'}"


def find_commit(folder: Path, ref: str) -> Commit:
    """The commit that `ref` names in the repository around `folder`, and the folder's tree in it.

    The folder need not be there: another branch may be checked out. Raises `UsageError` when
    there is no repository, no such commit, or no such folder in it.
    """
    full = folder.resolve()
    with opened(folder, "--ref needs one.") as repository:
        commit = commit_of(repository, ref)
        if commit is None:
            raise UsageError(
                f"There is no commit {ref!r} in the repository of {full}. Is it fetched?"
            )
        inside = full.relative_to(top_of(repository)).as_posix()
        try:
            tree = commit.tree if inside == "." else commit.tree / inside
        except KeyError:
            raise UsageError(f"{inside} is not in commit {commit.hexsha[:10]}.") from None
        if tree.type != "tree":
            raise UsageError(f"{inside} is not a folder in commit {commit.hexsha[:10]}.")
        objects = Path(repository.common_dir).resolve() / "objects"
        return Commit(commit.hexsha, tree.hexsha, objects, ref, full)
