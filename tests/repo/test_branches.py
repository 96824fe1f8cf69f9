"""The branches of the developer's own repository, and those of its remote."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.repo import branches
from tests.support.repositories import Repository


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of ours, with nobody's configuration."""
    (tmp_path / "app").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    return Repository.make(tmp_path / "app")


def test_default_branch_is_that_of_the_remote(work: Repository) -> None:
    assert branches.default_branch(work.folder) == "main"
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release/1")
    assert branches.default_branch(work.folder) == "release/1"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://me:word@git.example:8443/github/x.git", "git.example"),
        ("ssh://git@git.example/x", "git.example"),
        ("git@git.example:gitlab/x.git", "git.example"),
        ("git.example:x", "git.example"),
        ("/srv/git/x", ""),
        ("../x", ".."),
        ("", ""),
    ],
)
def test_host_of_an_address(address: str, host: str) -> None:
    assert branches.host_in(address) == host


def test_branches_are_those_of_the_remote_and_our_own(work: Repository) -> None:
    work.git("push", "-q", "origin", "main:theirs")
    work.git("branch", "ours/x")
    assert branches.known_branches(work.folder, "origin") == {"main", "ours/x", "theirs"}


def test_what_is_not_known_is_never_taken_for_gone(
    work: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeTasksError, match=r"^origin has no branches at all: no preview counts"):
        branches.known_branches(work.folder, "origin")
    with pytest.raises(UsageError, match=r"^There is no remote 'other': .* Known: origin\.$"):
        branches.known_branches(work.folder, "other")
    with pytest.raises(UsageError, match="is not in a git repository"):
        branches.known_branches(tmp_path, "origin")
    work.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(
        Temporary, match=r"^origin does not list its branches: .*gone' does not app"
    ):
        branches.known_branches(work.folder, "origin")
    monkeypatch.setattr(branches, "SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/app.git"
        work.git("remote", "set-url", "origin", address)
        with pytest.raises(Temporary, match=r"^origin has not answered in 0\.5 s\.$"):
            branches.known_branches(work.folder, "origin")
