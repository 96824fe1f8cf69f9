"""Nothing that a repository names is run when it is read, whoever owns it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.githooks import install, repository
from de_tasks.repo import branches, user_settings
from de_tasks.repo.changes import changed_since, undeployed
from de_tasks.repo.environment import kept_variables, settings_as_variables
from de_tasks.repo.git import Git
from de_tasks.repo.source import find_commit
from tests.support.desk import Desk
from tests.support.gitserver import GIT, git
from tests.support.report import needs
from tests.support.traps import Traps, give_away, lose

ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0,
    reason=needs("no folder can be given to another user", "run the tests as root"),
)


@pytest.fixture
def traps(desk: Desk, tmp_path: Path) -> Traps:
    """The folder as a repository, with another one inside, full of traps."""
    top, made = desk.folder, Traps(tmp_path / "traps")
    for folder in (top, top / "inner"):
        folder.mkdir(exist_ok=True)
        git(folder, "init", "--quiet", "-b", "main")
        for name in ("app.py", "page.js", "page.css"):
            (folder / name).write_text("one\n")
    for folder in (top / "inner", top):
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "-m", "one")
    for folder in (top / "inner", top):
        made.set(folder)
        (folder / "app.py").write_text("changed\n")
    return made


READS: dict[str, Callable[[Desk], object]] = {
    "deploy": lambda desk: desk.deploy(),
    "deploy again": lambda desk: (desk.deploy(), desk.write("x.py"), desk.redeploy()),
    "deploy what another has changed": lambda desk: (
        desk.deploy(),
        desk.server.push(theirs="x"),
        desk.deploy(),
    ),
    "--dry-run": lambda desk: desk.using(lambda snapshot: snapshot.origin()),
    "diff": lambda desk: (
        desk.deploy(),
        desk.write("app.py", "two\n"),
        desk.using(lambda snapshot: snapshot.compare(desk.remote)),
    ),
    "--ref": lambda desk: desk.deploy(find_commit(desk.folder, "HEAD")),
    "--changed-since": lambda desk: changed_since(desk.folder, "HEAD"),
    "fleet status": lambda desk: undeployed(desk.folder, "HEAD", [desk.folder]),
    "default branch": lambda desk: branches.default_branch(desk.folder),
    "current branch": lambda desk: branches.current_branch(desk.folder),
    "address": lambda desk: branches.address_of(desk.folder, "origin"),
    "hooks.install": lambda desk: install.install(desk.folder, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["", "HEAD:app.py", "HEAD^{tree}"])
def test_no_command_that_a_repository_names_is_run(desk: Desk, traps: Traps, missing: str) -> None:
    if missing:
        lose(desk.folder, missing)
    assert sprung_by_reading(desk, traps) == {}


@pytest.mark.slow
@ROOT
def test_no_command_of_another_users_repository_is_run(desk: Desk, traps: Traps) -> None:
    lose(desk.folder, "HEAD^{tree}")
    give_away(desk.folder)
    assert sprung_by_reading(desk, traps) == {}


def sprung_by_reading(desk: Desk, traps: Traps) -> dict[str, set[str]]:
    """What each of our ways to look at a repository has run."""
    found = {}
    for name, read in READS.items():
        traps.clear()
        with suppress(DeTasksError):
            read(desk)
        found[name] = traps.sprung
    return {name: sprung for name, sprung in found.items() if sprung}


def test_git_itself_runs_what_a_repository_names(desk: Desk, traps: Traps) -> None:
    lose(desk.folder, "HEAD^{tree}")
    lines = ("status", "rev-parse HEAD:./", "-C inner diff", "add .", "update-ref refs/x HEAD")
    for line in lines:
        run = ["git", *line.split()]
        subprocess.run(run, cwd=desk.folder, env=GIT, capture_output=True, check=False)
    assert {"included", "uploadpack", "clean", "hook"} <= traps.sprung


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of a user without a configuration of git."""
    monkeypatch.setenv("HOME", str(tmp_path))
    user_settings._all.cache_clear()
    yield tmp_path
    user_settings._all.cache_clear()


REFUSAL = r"dubious ownership in repository at '{0}'.*config --global --add safe.directory {0}$"


@ROOT
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "read",
    [
        lambda folder: install.install(folder, {}),
        lambda folder: find_commit(folder, "HEAD"),
        lambda folder: changed_since(folder, "HEAD"),
        branches.current_branch,
    ],
    ids=["hooks.install", "--ref", "--changed-since", "preview"],
)
def test_another_users_repository_is_refused_in_gits_words(
    desk: Desk, traps: Traps, read: Callable[[Path], object]
) -> None:
    give_away(desk.folder)
    with pytest.raises(UsageError, match=REFUSAL.format(re.escape(str(desk.folder)))):
        read(desk.folder)


@ROOT
@pytest.mark.usefixtures("home")
def test_folder_of_another_user_is_deployed_without_its_commit(desk: Desk, traps: Traps) -> None:
    give_away(desk.folder)
    assert desk.using(lambda snapshot: snapshot.origin()) == ""
    assert re.search(REFUSAL.format(re.escape(str(desk.folder))), desk.told[0])
    desk.deploy()
    assert desk.server.content("app.py") == "changed"


HEAD = ("-c", "safe.directory=*", "rev-parse", "HEAD")


@ROOT
@pytest.mark.parametrize("where", ["configuration", "variables"])
def test_repository_that_the_user_trusts_is_read(
    desk: Desk, traps: Traps, home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    give_away(desk.folder)
    if where == "configuration":
        git(home, "config", "--file", ".gitconfig", "safe.directory", str(desk.folder))
    else:
        for name, value in settings_as_variables([("safe.directory", "*")]).items():
            monkeypatch.setenv(name, value)
    assert desk.using(lambda snapshot: snapshot.origin()).endswith("-dirty (main)")
    assert find_commit(desk.folder, "HEAD").name == "HEAD"
    monkeypatch.chdir(desk.folder)
    assert repository.commit_of("HEAD") == git(home, "-C", str(desk.folder), *HEAD)


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        Git(None).run("status", cwd=tmp_path / "gone")
    assert str(raised.value) == f"There is no folder {tmp_path}/gone."


def test_command_that_waits_for_a_named_pipe_is_ended(tmp_path: Path) -> None:
    git = Git(None, seconds=0.6)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Temporary) as raised:
        git.run("hash-object", str(tmp_path / "pipe"))
    assert str(raised.value) == "git hash-object did not finish in 1 s."


def test_paths_may_be_longer_than_windows_allows_by_itself() -> None:
    assert Git(None).run("config", "--get", "core.longpaths").stdout == "true\n"


def test_git_finds_the_users_configuration_where_windows_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("HOMEDRIVE", "H:"), ("HOMEPATH", "\\me"), ("USERPROFILE", "C:\\me")):
        monkeypatch.setenv(name, value)
        assert kept_variables()[name] == value
