"""The plain pre-push hook as Windows has it: its layout of an environment, and blanks in paths."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from de_tasks.config.system import own_program
from de_tasks.errors import DeTasksError
from de_tasks.githooks import install
from tests.support.people import PROGRAMS
from tests.support.repositories import Repository

POOR = "/usr/bin:/bin"
"""A PATH with git and sh, and nothing of an environment."""


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an environment's programs as Windows lays it out, whose Python we run in."""
    folder = tmp_path / "My Apps" / "shop env" / "Scripts"
    folder.mkdir(parents=True)
    (folder / "python.exe").symlink_to(sys.executable)
    (folder / "de-deploy.exe").symlink_to(PROGRAMS / "de-deploy")
    monkeypatch.setattr(sys, "executable", str(folder / "python.exe"))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository in a folder with blanks; the environment is not active where it is pushed."""
    folder = tmp_path / "My Apps" / "the shop's"
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "file").touch()
    return Repository.make(folder, {"PATH": POOR, "DE_SKIP": "1"})


def test_hook_finds_its_python_where_no_environment_is_active(
    scripts: Path, repository: Repository
) -> None:
    path = install.install(repository.folder / "app", {"de-deploy": ["--warn-only"]})
    assert b"\r" not in path.read_bytes()
    done = repository.run("push", "origin", "main")
    assert done.returncode == 0 and "de-deploy: skipped" in done.stderr, done.stderr
    found = install.installed(repository.folder)
    assert found and found.runs == ("de-deploy --path=app --warn-only",)


def test_hook_says_that_its_python_is_gone(scripts: Path, repository: Repository) -> None:
    install.install(repository.folder, {"de-deploy": []})
    (scripts / "de-deploy.exe").unlink()
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and f"There is no {scripts}/de-deploy.exe any more" in done.stderr


def test_program_that_is_nowhere_is_not_installed(
    scripts: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", POOR)
    with pytest.raises(
        DeTasksError, match=r"^There is no program de-nothing beside .*python\.exe\. "
    ):
        install.install(repository.folder, {"de-nothing": []})
    assert install.installed(repository.folder) is None


def test_hook_of_pre_commit_stays_and_its_configuration_is_named(
    scripts: Path, repository: Repository
) -> None:
    path = repository.folder / ".git" / "hooks" / "pre-push"
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\nexec pre-commit hook-impl\n")
    with pytest.raises(
        DeTasksError, match=r"pre-push\. It is pre-commit's: add the hooks to \.pre-c"
    ):
        install.install(repository.folder, {"de-deploy": []})
    found = install.installed(repository.folder)
    assert found and not found.ours and found.about == install.PRE_COMMIT


def test_line_that_somebody_has_changed_is_shown_as_it_is(
    scripts: Path, repository: Repository
) -> None:
    path = install.install(repository.folder, {"de-deploy": []})
    path.write_text(f"{path.read_text()}run de-preview 'without its partner\n")
    found = install.installed(repository.folder)
    assert found and found.runs == ("de-deploy", "run de-preview 'without its partner")


def test_program_of_the_user_is_found_though_it_is_on_no_path(tmp_path: Path) -> None:
    base = tmp_path / "of the user"
    (base / "bin").mkdir(parents=True)
    (base / "bin" / "tool").touch(0o755)
    code = f"from {own_program.__module__} import own_program; print(own_program('tool'))"
    variables = {"PATH": POOR, "PYTHONUSERBASE": str(base)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{base}/bin/tool\n"
