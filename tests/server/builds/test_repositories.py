"""What is taken over from git, which whoever pushes has written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from de_tasks.server.builds.repositories import (
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
