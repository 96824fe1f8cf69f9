"""What a hook asks of git and of its surroundings, without a platform."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from de_tasks.errors import DeTasksError, Interrupted, UsageError
from de_tasks.githooks import pushes, repository, runner
from de_tasks.githooks.branches import surely_none
from de_tasks.repo.environment import scrub
from de_tasks.terminal.commands import typed
from tests.support.repositories import Repository

OPTIONS = runner.parser("de-x", "").parse_args([])
WARNING = runner.parser("de-x", "").parse_args(["--warn-only"])


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Whatever a hook takes out of the environment comes back."""
    with mock.patch.dict(os.environ, {"DE_SKIP": ""}):
        yield


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository that a hook of ours runs in."""
    (tmp_path / "app").mkdir()
    made = Repository.make(tmp_path / "app")
    monkeypatch.chdir(made.folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    return made


def defaults(*branches: str) -> list[str]:
    """Those of the branches that count as the default branch."""
    return [branch for branch in branches if repository.is_default(branch, "origin")]


def test_default_branch_is_main_or_else_master(work: Repository) -> None:
    work.git("branch", "master")
    assert defaults("main", "master", "trunk") == ["main"]
    work.git("branch", "-q", "-D", "master")
    work.git("branch", "-m", "master")
    assert "master" in defaults("master", "trunk")


def test_default_branch_is_the_one_that_the_remote_names(
    work: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.git("push", "-q", "origin", "main:trunk")
    work.git("fetch", "-q", "origin")
    work.git("remote", "set-head", "origin", "trunk")
    assert defaults("main", "master", "trunk") == ["trunk"]
    work.git("worktree", "add", "-q", "-b", "other", "../tree")
    monkeypatch.chdir(work.folder.parent / "tree")
    assert defaults("main", "master", "trunk") == ["trunk"]


def test_every_variable_that_git_calls_local_is_taken_out(work: Repository) -> None:
    local = work.git("rev-parse", "--local-env-vars").split()
    more = ("GIT_NAMESPACE", "GIT_QUARANTINE_PATH")
    environment = dict.fromkeys([*local, *more, "HOME", "GIT_SSH_COMMAND"], "x")
    scrub(environment)
    assert sorted(environment) == ["GIT_SSH_COMMAND", "HOME"]


def test_hook_works_without_the_variables_of_its_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    seen: list[str | None] = []
    assert runner.run(OPTIONS, "de-x", "push", lambda: seen.append(os.environ.get("GIT_DIR"))) == 0
    assert seen == [None]


def test_refusal_says_how_to_go_on_in_the_shell_of_the_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise UsageError("It is wrong.")

    assert runner.run(OPTIONS, "de-x", "push", refuse) == 2
    assert "all the same: DE_SKIP=1 git push, or git push --no-verify" in capsys.readouterr().err
    monkeypatch.delattr(os, "geteuid")
    runner.run(OPTIONS, "de-x", "push", refuse)
    assert "$env:DE_SKIP='1'; git push; $env:DE_SKIP=''" in capsys.readouterr().err


def test_only_branches_that_go_on_living_are_pushed() -> None:
    zero, one = "0" * 40, "1" * 40
    lines = [
        f"refs/tags/v1 {one} refs/tags/v1 {zero}\n",
        f"(delete) {zero} refs/heads/gone {one}\n",
        f"main@{{1 hour ago}} {one} refs/heads/main {zero}\n",
        "\n",
    ]
    (push,) = pushes.read("origin", "there", lines, {})
    assert (push.branch, push.commit, push.before) == ("main", one, "")


def test_forced_push_is_known_even_where_nobody_told_what_was_there(work: Repository) -> None:
    remote = f"{work.folder}.remote"
    first, second = work.git("rev-parse", "HEAD"), work.commit("second")
    work.git("push", "-q", "origin", "main")
    assert pushes.PushedBranch("main", first, "origin", remote, None).forced()
    assert not pushes.PushedBranch("main", second, "origin", remote, None).forced()
    assert not pushes.PushedBranch("new", first, "origin", remote, None).forced()


@pytest.mark.parametrize(
    ("file", "text", "none"),
    [
        ("invoke.yaml", "de: {branches: {other: shop}}", True),
        ("invoke.yaml", "de: {branches: {topic: shop}}", False),
        ("invoke.yaml", 'de: {branches: {"t\\u006fpic": shop}}', False),
        ("invoke.py", "de = {}", False),
    ],
)
def test_branch_that_no_file_names_maps_to_nothing(
    file: str, text: str, none: bool, work: Repository
) -> None:
    (work.folder / file).write_text(text)
    push = pushes.PushedBranch("topic", "1" * 40, "origin", "there", "")
    assert surely_none(push, ".") == none


@pytest.mark.parametrize(
    ("error", "options", "code"),
    [
        (DeTasksError("no"), OPTIONS, 1),
        (DeTasksError("no"), WARNING, 0),
        (Interrupted("stopped"), OPTIONS, 130),
        (Interrupted("stopped"), WARNING, 130),
        (KeyboardInterrupt(), WARNING, 130),
    ],
)
def test_interrupt_stops_the_push_even_where_a_hook_only_warns(
    error: BaseException, options: object, code: int
) -> None:
    def fail() -> None:
        raise error

    assert runner.run(options, "de-x", "push", fail) == code  # type: ignore[arg-type]


def test_fault_of_our_own_is_not_put_into_a_sentence() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runner.run(WARNING, "de-x", "push", fail)


def test_messages_name_the_program_that_works_in_the_folder(
    work: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = work.folder / "apps" / "sales"
    below.mkdir(parents=True)
    runner.settings(str(below))
    assert typed("apps.list") == "de-tasks apps list"
    (below / "tasks.py").touch()
    runner.settings("")
    assert typed("apps.list") == "de-tasks apps list"
    monkeypatch.setenv("INVOKE_DE_PATH", str(below))
    runner.settings("")
    assert typed("apps.list") == "inv apps.list"
    (below / "tasks.py").rename(work.folder / "tasks.py")
    runner.settings(str(below))
    assert typed("apps.list") == "inv apps.list"
