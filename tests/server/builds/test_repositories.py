"""What is taken over from git, which whoever pushes has written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server.builds.repositories import (
    BRANCH,
    LONGEST_AUTHOR,
    LONGEST_MESSAGE,
    CommitInfo,
    Repositories,
)
from de_tasks.server.runtime.processes import Leash
from tests.support.gitserver import git


def pushed(folder: Path, author: str, message: str) -> CommitInfo:
    """What is recorded of a commit."""
    repositories = Repositories(folder / "git", folder / "hooks", 10**9, Leash(None))

    async def recorded() -> CommitInfo:
        await repositories.ready(1)
        path = repositories.path(1)
        tree = git(path, "hash-object", "-w", "-t", "tree", "/dev/null").strip()
        who = f"{author} <a@b> 1700000000 +0000"
        text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}\n"
        (folder / "commit").write_text(text)
        sha = git(path, "hash-object", "-w", "-t", "commit", str(folder / "commit")).strip()
        return await repositories.commit(1, sha)

    return asyncio.run(recorded())


def test_author_and_message_are_recorded_up_to_a_length(tmp_path: Path) -> None:
    found = pushed(tmp_path, "é" * 9000, f"Subject\n\n{'é' * 2_000_000}")
    assert len(found.author) == LONGEST_AUTHOR and set(found.author) == {"é"}
    assert len(found.message) == LONGEST_MESSAGE and found.message.startswith("Subject\n\né")
    assert found.date == "2023-11-14T22:13:20.000000"


def test_short_ones_are_recorded_as_they_are(tmp_path: Path) -> None:
    found = pushed(tmp_path, "Jo Doe", "Subject\n\nBody: 1")
    assert (found.author, found.message) == ("Jo Doe", "Subject\n\nBody: 1")


def test_branch_is_found_where_somebody_has_packed_it(tmp_path: Path) -> None:
    repositories = Repositories(tmp_path / "git", tmp_path / "hooks", 10**9, Leash(None))

    async def run() -> None:
        await repositories.ready(1)
        path = repositories.path(1)
        assert await repositories.head(1) is None
        tree = git(path, "hash-object", "-w", "-t", "tree", "/dev/null").strip()
        first = await repositories.again(1, tree, None, "First", "ann")
        # Something is packed, and not yet the branch.
        git(path, "tag", "other", first)
        git(path, "pack-refs", "--all")
        assert await repositories.head(1) is None
        await repositories.move(1, first, None)
        git(path, "pack-refs", "--all")
        assert not (path / BRANCH).exists()
        assert await repositories.head(1) == first
        # What is written from now on is beside the pack, which keeps the old one.
        second = await repositories.again(1, first, first, "Second", "ann")
        await repositories.move(1, second, first)
        assert await repositories.head(1) == second

    asyncio.run(run())


def test_what_a_killed_git_left_blocks_no_push(tmp_path: Path) -> None:
    path = Repositories(tmp_path / "git", tmp_path / "hooks", 10**9, Leash(None)).path(1)

    async def ready() -> None:
        await Repositories(tmp_path / "git", tmp_path / "hooks", 10**9, Leash(None)).ready(1)

    asyncio.run(ready())
    left = ["objects/tmp_objdir-in-1/x", "objects/pack/tmp_pack_1", "objects/pack/.tmp-1-pack.idx"]
    left += ["packed-refs.lock", f"{BRANCH}.lock"]
    for name in left:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    (path / "objects/pack/pack-1.keep").touch()
    asyncio.run(ready())
    assert [name for name in left if (path / name).exists()] == []
    assert (path / "objects/pack/pack-1.keep").exists()


def test_commit_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    repositories = Repositories(tmp_path / "git", tmp_path / "hooks", 10**9, Leash(None))

    async def read() -> None:
        await repositories.ready(1)
        await repositories.commit(1, "1" * 40)

    with pytest.raises(DeTasksError, match=rf"^git cannot read the commit {'1' * 40}\.$"):
        asyncio.run(read())
