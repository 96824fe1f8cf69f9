"""What differs between systems, and the client where POSIX's own functions are not there."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from de_tasks.config import system
from de_tasks.githooks import install
from tests.support.people import Person
from tests.support.places import ROOT
from tests.support.waiting import BOUND

SLEEPS = "import time; time.sleep(99)"
FORKS = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); print()"
FORKS += f"; sys.stdout.flush(); {SLEEPS}"
CLIENT = (
    *("tests/auth/test_store.py", "tests/net/test_budget.py", "tests/repo/test_git.py"),
    *("tests/repo/test_worktree.py::test_odd_name", "tests/terminal"),
)
"""Tests of what uses files, locks, processes and terminals."""
MODES = ("SecretService", "real_keyring", "chmod", "others_can_read")
"""Tests of what POSIX alone has: its keyring, and modes of files."""


def started() -> subprocess.Popen[str]:
    """A program that has started another one."""
    child = subprocess.Popen(
        [sys.executable, "-c", FORKS], stdout=subprocess.PIPE, text=True, **system.TREE
    )
    assert child.stdout and child.stdout.readline()
    return child


@pytest.mark.parametrize("at_once", [True, False])
def test_program_ends_with_all_that_it_started(at_once: bool) -> None:
    with started() as child:
        assert system.tree_runs(child)
        system.end_tree(child, at_once)
        assert child.stdout and child.stdout.read() == "", "its child held the pipe open"
        child.wait(BOUND)
        deadline = time.monotonic() + BOUND
        while system.tree_runs(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not system.tree_runs(child)
        system.end_tree(child, at_once)


def test_program_ends_where_there_are_no_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPS]) as child:
        monkeypatch.delattr(os, "killpg")
        assert system.tree_runs(child)
        system.end_tree(child)
        assert child.wait(BOUND) and not system.tree_runs(child)


def test_file_modes_count_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch(0o744)
    file.chmod(0o744)
    status = file.stat()
    assert system.others_may_read(status) and system.is_executable(status)
    monkeypatch.delattr(os, "geteuid")
    assert not system.others_may_read(status)
    assert [system.is_executable(status, before) for before in (True, False)] == [True, False]


def test_folder_with_read_only_files_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "geteuid")
    objects = tmp_path / "repository" / "objects"
    objects.mkdir(parents=True)
    (objects / "blob").touch(0o444)
    refused: list[str] = []
    unlink = os.unlink

    def as_windows(path: str, *, dir_fd: int | None = None) -> None:
        if not os.stat(path, dir_fd=dir_fd).st_mode & stat.S_IWUSR:
            refused.append(path)
            raise PermissionError(13, "Access is denied", path)
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", as_windows)
    system.remove_tree(tmp_path / "repository")
    assert refused and not (tmp_path / "repository").exists()


def test_hook_is_written_for_the_sh_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "with blanks" / "app"
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    path = install.install(folder, {"de-deploy": ["--branch", "main"]})
    assert b"\r" not in path.read_bytes()
    found = install.installed(folder)
    assert found and found.runs == ("de-deploy --branch main",)


def test_sandbox_says_where_it_runs(nobody: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    done = nobody.inv("sandbox.start")
    assert done.code == 2 and "On Windows, install it in WSL" in done.err


def test_client_does_without_what_windows_lacks(tmp_path: Path) -> None:
    """Its unit tests, in a process without POSIX's own functions and modules."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.without_posix", "--quick"]
    command += ["-q", "-n", "0", f"--basetemp={tmp_path / 'without'}", *CLIENT]
    command += ["-k", " and ".join(f"not {name}" for name in MODES)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=10 * BOUND
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
