"""What differs between systems, and the client where POSIX's own functions are not there."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from de_tasks.auth.keyfile import Keyfile
from de_tasks.config import system
from de_tasks.errors import UsageError
from tests.support import client
from tests.support.people import Person
from tests.support.places import ROOT
from tests.support.waiting import BOUND

SLEEPS = "import time; time.sleep(99)"
FORKS = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); print()"
FORKS += f"; sys.stdout.flush(); {SLEEPS}"


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


class Windows:
    """Refuses, as Windows does, to remove or replace a file that is read-only or open: `busy` says
    how often a file is still open. `refused` are the paths of which it was asked in vain."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, busy: int = 0) -> None:
        self.refused: list[str] = []
        self._busy = busy
        self._unlink, self._replace = os.unlink, os.replace
        monkeypatch.delattr(os, "geteuid")
        monkeypatch.setattr(os, "unlink", self.unlink)
        monkeypatch.setattr(os, "replace", self.replace)

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        if not os.stat(path, dir_fd=dir_fd).st_mode & stat.S_IWUSR:
            self.refuse(path)
        self.open(path)
        self._unlink(path, dir_fd=dir_fd)

    def replace(self, source: str, target: str) -> None:
        self.open(str(target))
        self._replace(source, target)

    def open(self, path: str) -> None:
        if len(self.refused) < self._busy:
            self.refuse(path)

    def refuse(self, path: str) -> None:
        self.refused.append(path)
        raise PermissionError(13, "Access is denied", path)


@pytest.mark.parametrize(("mode", "busy"), [(0o444, 0), (0o644, 3), (0o444, 3)])
def test_temporary_folder_is_removed_with_files_that_windows_keeps(
    monkeypatch: pytest.MonkeyPatch, mode: int, busy: int
) -> None:
    windows = Windows(monkeypatch, busy)
    with system.temporary_folder("de-test-") as folder:
        (folder / "objects").mkdir()
        (folder / "objects" / "blob").touch(mode)
    assert windows.refused and not folder.exists()


def test_temporary_folder_is_removed_after_an_error() -> None:
    with pytest.raises(KeyError), system.temporary_folder("de-test-") as folder:
        (folder / "file").touch()
        raise KeyError
    assert not folder.exists()


def test_file_is_replaced_while_others_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = Windows(monkeypatch, busy=3)
    keyfile = Keyfile(tmp_path / "login.json")
    for user in ("one", "two"):
        keyfile.write({"user": user})
    assert len(windows.refused) == 3 and keyfile.read()["user"] == "two"


def test_file_that_stays_open_is_an_error_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Windows(monkeypatch, busy=10**6)
    monkeypatch.setattr(system, "PATIENCE", 0.1)
    with pytest.raises(UsageError, match="Access is denied"):
        Keyfile(tmp_path / "login.json").write({})


def test_word_is_quoted_as_the_system_s_shell_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["C:/My Apps/shop", "apps/shop"]
    assert [system.quoted(word) for word in words] == ["'C:/My Apps/shop'", "apps/shop"]
    monkeypatch.delattr(os, "geteuid")
    assert [system.quoted(word) for word in words] == ['"C:/My Apps/shop"', "apps/shop"]


def test_variable_is_set_as_the_system_s_shell_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.with_variable("DE_SKIP", "1", "git push") == "DE_SKIP=1 git push"
    monkeypatch.delattr(os, "geteuid")
    typed = system.with_variable("DE_SKIP", "1", "git push")
    assert typed == "$env:DE_SKIP='1'; git push; $env:DE_SKIP=''"


class Console:
    """Windows' functions for a console that shows colours or does not know how."""

    def __init__(self, mode: int | None, able: bool) -> None:
        self.kernel32, self.mode, self.able = self, mode, able

    def GetStdHandle(self, number: int) -> int:
        return {-11: 7, -12: 8}[number]

    def GetConsoleMode(self, handle: int, mode: object) -> bool:
        if self.mode is not None:
            ctypes.cast(mode, ctypes.POINTER(ctypes.c_ulong))[0] = self.mode  # type: ignore[arg-type]
        return self.mode is not None

    def SetConsoleMode(self, handle: int, mode: int) -> bool:
        self.mode = mode if self.able else self.mode
        return self.able


@pytest.mark.parametrize(
    ("mode", "able", "coloured", "after"),
    [(3, True, True, 7), (7, False, True, 7), (3, False, False, 3), (None, False, True, None)],
)
def test_console_is_asked_for_colours(
    monkeypatch: pytest.MonkeyPatch, mode: int | None, able: bool, coloured: bool, after: int | None
) -> None:
    console = Console(mode, able)
    monkeypatch.delattr(os, "geteuid")
    monkeypatch.setattr(ctypes, "windll", console, raising=False)
    assert system.takes_colours(sys.stderr) is coloured
    assert console.mode == after


@pytest.mark.parametrize("command", ["sandbox.start", "sandbox.status", "sandbox.stop", "run"])
def test_what_needs_posix_says_where_it_runs(
    command: str, nobody: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nobody.home / "Procfile").write_text("web: gunicorn app:server\n")
    monkeypatch.delattr(os, "fork")
    done = nobody.inv(command)
    assert done.code == 2 and "On Windows, " in done.err and "in WSL" in done.err


@pytest.mark.slow
def test_client_does_without_what_windows_lacks(tmp_path: Path) -> None:
    """Its unit tests, in a process without POSIX's own functions and modules."""
    basetemp = f"--basetemp={tmp_path / 'without'}"
    command = client.command("-p", "tests.support.without_posix", basetemp)
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=10 * BOUND
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
