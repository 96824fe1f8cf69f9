"""Which Pythons there are on a machine, asked seldom and told rightly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from de_tasks.server.runtime import pythons


def interpreter(path: Path, says: str, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}; echo >>{path}.starts; exit {status}\n")
    path.chmod(0o755)
    return path


def starts(path: Path) -> int:
    file = Path(f"{path}.starts")
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which pyenv leads what is typed through a shim."""
    interpreter(tmp_path / ".pyenv/shims/python3.7", "3.7.99")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/.pyenv/shims{os.pathsep}/usr/bin")
    return tmp_path


def test_interpreter_is_asked_once_and_again_when_it_is_another(home: Path) -> None:
    python = interpreter(home / ".pyenv/versions/3.7.1/bin/python3.7", "3.7.1")
    pythons.need("3.7")
    pythons.need("3.7")
    assert starts(python) == 1
    python.unlink()
    interpreter(python, "3.7.2")
    assert str(python) == pythons.find_python(pythons.AskedPython("3.7.2"), lambda text: None)
    assert starts(python) == 2


def test_interpreter_that_failed_is_asked_again(home: Path) -> None:
    python = interpreter(home / ".pyenv/versions/3.7.1/bin/python3.7", "3.7.1", status=1)
    with pytest.raises(pythons.NotFound):
        pythons.need("3.7")
    about = python.stat()
    interpreter(python, "3.7.1")
    os.utime(python, ns=(about.st_atime_ns, about.st_mtime_ns))
    pythons.need("3.7")


def test_shims_are_not_started(home: Path) -> None:
    assert "3.7" not in pythons.installed()
    assert starts(home / ".pyenv/shims/python3.7") == 0
