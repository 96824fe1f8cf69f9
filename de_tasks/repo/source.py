"""What the developer's own repository says of the folder that is deployed."""

from __future__ import annotations

from pathlib import Path


def describe(folder: Path) -> str:
    """The source commit, `-dirty` when the folder differs from it, and the branch; or empty."""
    import git

    try:
        repository = git.Repo(folder, search_parent_directories=True)
        commit = repository.head.commit.hexsha[:10]
        dirty = repository.is_dirty(untracked_files=True, path=str(folder.resolve()))
        branch = "" if repository.head.is_detached else f" ({repository.active_branch.name})"
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, git.GitCommandError, ValueError):
        return ""
    return f"{commit}{'-dirty' if dirty else ''}{branch}"
