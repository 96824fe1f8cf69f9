"""The developer's own repository, whose commits and trees GitPython reads.

For what walks them alone: importing GitPython takes 50 ms, and a plain deploy asks git in 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.config.environment import hidden
from de_tasks.errors import UsageError
from de_tasks.repo.environment import LOCAL_VARIABLES
from de_tasks.repo.git import Git
from de_tasks.repo.user_settings import reading

if TYPE_CHECKING:
    import git


@contextmanager
def opened(folder: Path, purpose: str) -> Iterator[git.Repo]:
    """The repository around a folder, which need not be there: another branch may be checked out.

    Raises `UsageError` with the purpose where there is none, `Distrusted` for another user's.
    """
    # It runs git with our own environment, as soon as it is imported, and can set a variable for
    # that but take none out: a hook's would lead to the repository, or the objects, of another.
    with hidden(LOCAL_VARIABLES):
        import git

        full = folder.resolve()
        place = next(parent for parent in (full, *full.parents) if parent.is_dir())
        # GitPython does not ask whose a repository is, and git does not where it is named.
        Git(None, reading).run("rev-parse", "--git-dir", cwd=place)
        try:
            repository = git.Repo(place, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError):
            raise UsageError(f"{full} is not in a git repository: {purpose}") from None
        with repository:
            read = repository.config_reader("repository")
            if read.get_value("extensions", "objectformat", "sha1") != "sha1":
                raise UsageError(
                    f"The repository of {full} names its objects by SHA-256, which cannot be "
                    "read here: deploy its files as they are, without --ref"
                )
            variables = reading({"GIT_DIR": str(repository.git_dir)})
            repository.git.update_environment(**variables)
            yield repository


def commit_of(repository: git.Repo, ref: str) -> git.Commit | None:
    """The commit that git takes a name for, None where there is none of it here."""
    import git

    wanted = ("--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    try:
        return repository.commit(repository.git.rev_parse(*wanted))
    except (git.GitCommandError, git.BadName, git.BadObject, ValueError):
        return None


def top_of(repository: git.Repo) -> Path:
    """The folder of its files; of a bare repository its own."""
    return Path(repository.working_tree_dir or repository.git_dir).resolve()
