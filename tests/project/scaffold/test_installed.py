"""What a CI is told to install."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from de_tasks.project.scaffold import installed
from tests.support.repositories import Repository

SSH = {"url": "ssh://hg@hg.example/x", "vcs_info": {"vcs": "hg", "commit_id": "c0"}}
VCS = {"url": "https://me:s@cret@git.example/x.git", "vcs_info": {"vcs": "git", "commit_id": "c0"}}


@pytest.mark.parametrize(
    ("record", "source"),
    [
        (None, ""),
        (SSH, "hg+ssh://hg@hg.example/x@c0"),
        (VCS, "git+https://git.example/x.git@c0"),
        ({"url": "https://files.example/x.whl", "archive_info": {}}, "https://files.example/x.whl"),
        ({"url": "file:///no/where", "dir_info": {}}, ""),
    ],
)
def test_ci_installs_what_is_installed_here(
    record: object, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, record)
    assert installed.source() == source


@pytest.mark.parametrize("error", [PackageNotFoundError(), json.JSONDecodeError("", "", 0)])
def test_ci_installs_nothing_where_no_record_can_be_read(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distribution(name: str) -> None:
        raise error

    monkeypatch.setattr(installed, "distribution", distribution)
    assert installed.source() == ""


def test_clone_is_named_by_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "a clone"
    folder.mkdir()
    (folder / "README.md").write_text("x")
    clone = Repository.make(folder)
    told(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert installed.source() == "", "a folder of this machine"
    clone.git("remote", "set-url", "origin", "https://me:secret@git.example/x.git")
    commit = clone.git("rev-parse", "HEAD").strip()
    assert installed.source() == f"git+https://git.example/x.git@{commit}"


def told(monkeypatch: pytest.MonkeyPatch, record: object) -> None:
    """Let pip have written this record."""
    text = json.dumps(record) if record else None
    found = SimpleNamespace(version="1.2", read_text=lambda name: text)
    monkeypatch.setattr(installed, "distribution", lambda name: found)
