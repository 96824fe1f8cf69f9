"""The names in a tree, from what is kept of an earlier one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from de_tasks.repo import listing
from de_tasks.repo.git import Git
from tests.support.repositories import Repository

NAMES = ("a.txt", "deep/b.py", "tab\there", "line\nend", os.fsdecode(b"bad-\xff"))


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    """A repository with names of every kind, a program and a link."""
    folder = tmp_path / "app"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "run.sh").write_text("")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a.txt")
    return Repository.make(folder)


def read(made: Repository, place: Path) -> tuple[list[str], dict[str, str]]:
    found = listing.of_tree(Git(made.folder / ".git"), made.git("rev-parse", "HEAD^{tree}"), place)
    return sorted(found.names), found.modes


def test_difference_leads_to_what_reading_anew_does(made: Repository, tmp_path: Path) -> None:
    assert read(made, tmp_path)[0] == sorted([*NAMES, "run.sh", "link"])
    (made.folder / "a.txt").unlink()
    (made.folder / "a.txt").mkdir()
    (made.folder / "a.txt" / "new").symlink_to("x")
    (made.folder / "deep" / "b.py").chmod(0o755)
    (made.folder / "run.sh").chmod(0o644)
    (made.folder / "link").unlink()
    made.commit("change")
    kept, anew = read(made, tmp_path), read(made, tmp_path / "nothing")
    assert kept == anew
    assert anew[1] == {"a.txt/new": "120000", "deep/b.py": "100755"}


@pytest.mark.parametrize("left", ["", "0" * 40 + " 0\n", "nothing"])
def test_damage_costs_time_alone(left: str, made: Repository, tmp_path: Path) -> None:
    whole = read(made, tmp_path)
    text = (tmp_path / listing.FILE).read_bytes()
    (tmp_path / listing.FILE).write_bytes(text[:-9] if left == "nothing" else left.encode())
    assert read(made, tmp_path) == whole
    assert (tmp_path / listing.FILE).read_bytes() == text
