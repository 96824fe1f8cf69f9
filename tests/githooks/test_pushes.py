"""Which branches a hook sees: from git's lines, and from what pre-commit hands on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from de_tasks.config.settings import Settings
from de_tasks.errors import UsageError
from de_tasks.githooks import branches, pushes, repository
from de_tasks.repo.environment import scrub
from tests.support.repositories import Repository

NOWHERE = "0" * 40
ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that is the current folder."""
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Repository.make(folder)


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (f"refs/heads/x {ONE} refs/heads/main {TWO}", ("main", ONE, TWO)),
        (f"HEAD@{{1 hour ago}} {ONE} refs/heads/a/b {NOWHERE}", ("a/b", ONE, "")),
        (f"(delete) {NOWHERE} refs/heads/main {TWO}", None),
        (f"refs/tags/v1 {ONE} refs/tags/v1 {NOWHERE}", None),
    ],
)
def test_lines_of_git(line: str, seen: tuple[str, ...] | None) -> None:
    found = [(p.branch, p.commit, p.before) for p in pushes.read("origin", "/x", [line], {})]
    assert found == ([seen] if seen else [])


def test_first_push_under_pre_commit_names_no_commit(here: Repository) -> None:
    told = {"LOCAL_BRANCH": "HEAD", "REMOTE_BRANCH": "refs/heads/main"}
    told |= {"REMOTE_NAME": "origin", "REMOTE_URL": "../app.remote"}
    environment = {f"PRE_COMMIT_{name}": value for name, value in told.items()}
    (push,) = pushes.read("", "", [], environment)
    assert (push.branch, push.commit) == ("main", here.git("rev-parse", "HEAD"))
    assert not push.forced()


def test_no_push_at_all() -> None:
    assert list(pushes.read("", "", [f"a {ONE} refs/heads/main {TWO}"], {"PRE_COMMIT": "1"})) == []


def test_colleague_pushed_in_the_meantime(here: Repository) -> None:
    here.git("push", "-q", "origin", "main")
    other = Repository(here.folder.parent / "other")
    here.git("clone", "-q", "-b", "main", "../app.remote", str(other.folder))
    other.commit("theirs")
    other.git("push", "-q", "origin", "main")
    told = pushes.PushedBranch("main", here.commit("ours"), "origin", "../app.remote", None)
    assert told.forced()


def test_default_branch(here: Repository) -> None:
    assert repository.is_default("main", "origin") and not repository.is_default("x", "origin")
    assert not repository.is_default("master", "origin")
    here.git("branch", "-m", "trunk")
    assert repository.is_default("master", "origin")
    here.git("push", "-q", "origin", "trunk")
    here.git("--git-dir=../app.remote", "symbolic-ref", "HEAD", "refs/heads/trunk")
    here.git("remote", "set-head", "origin", "--auto")
    assert repository.is_default("trunk", "origin") and not repository.is_default("main", "origin")


def test_default_branch_of_a_worktree_and_of_a_remote_without_a_name(
    here: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    here.git("worktree", "add", "-q", "../tree", "-b", "trunk")
    monkeypatch.chdir(here.folder.parent / "tree")
    assert repository.is_default("trunk", "origin")
    assert repository.is_default("main", "../app.remote")


@pytest.mark.parametrize(
    ("name", "text", "surely"),
    [
        ("invoke.yaml", "de:\n  branches: {staging: x}\n", True),
        ("invoke.yaml", "de:\n  branches: {feature/x: x}\n", False),
        ("invoke.yaml", 'de:\n  branches: {"\\x66eature/x": x}\n', False),
        ("invoke.json", "{}", True),
        ("invoke.py", "de = {}", False),
        ("../.invoke.yaml", "de: {branches: {feature/x: x}}", False),
    ],
)
def test_unmapped_branch_is_told_from_the_text(
    name: str, text: str, surely: bool, here: Repository
) -> None:
    (here.folder / name).write_text(text)
    push = pushes.PushedBranch("feature/x", ONE, "origin", "", "")
    assert branches.surely_none(push, ".") is surely
    assert not branches.surely_none(pushes.PushedBranch("main", ONE, "origin", "", ""), ".")


def test_configuration_that_cannot_be_read_is_left_to_invoke(here: Repository) -> None:
    push = pushes.PushedBranch("feature/x", ONE, "origin", "", "")
    assert branches.surely_none(push, ".")
    (here.folder.parent / ".invoke.yaml").mkdir()
    assert not branches.surely_none(push, ".")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (5, r"^de\.branches: main should name an app, not 5\.$"),
        ("Shop!", "^'Shop!' is not a legal"),
    ],
)
def test_branch_has_to_map_to_the_name_of_an_app(name: object, words: str) -> None:
    push = pushes.PushedBranch("main", ONE, "origin", "", "")
    with pytest.raises(UsageError, match=words):
        branches.app_of(push, Settings(branches={"main": name}))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("..", r"^\.\. is not in the repository .*/app: set de\.path$"),
        ("apps/gone", "^There is no folder apps/gone in commit [0-9a-f]{10}.$"),
        ("file", "^There is no folder file in commit [0-9a-f]{10}.$"),
    ],
)
def test_folder_that_a_commit_does_not_have_is_refused(
    path: str, words: str, here: Repository
) -> None:
    (here.folder / "file").touch()
    push = pushes.PushedBranch("main", here.commit("file"), "origin", "", "")
    with pytest.raises(UsageError, match=words):
        pushes.commit_source(push, path)


@pytest.mark.parametrize(
    "program", ["no program", "#!/bin/sh\nPATH=/usr/bin:/bin exec tail -f /dev/null\n"]
)
def test_git_that_does_not_answer_says_no(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text(program)
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(repository, "SECONDS", 0.1)
    assert repository.git("status") is None


def test_git_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"^git is not installed, and deploying needs it\.$"):
        repository.git("status")


def test_every_variable_that_git_calls_local_is_scrubbed() -> None:
    command = ["git", "rev-parse", "--local-env-vars"]
    named = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    environment = dict.fromkeys([*named, "GIT_INDEX_FILE"], "x") | {"GIT_SSL_CAINFO": "kept"}
    scrub(environment)
    assert named and environment == {"GIT_SSL_CAINFO": "kept"}
