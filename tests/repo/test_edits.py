"""The short way to a tree gives the same tree as the long one."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.repo import edits
from de_tasks.repo.worktree import Worktree
from tests.support.desk import Desk
from tests.support.gitserver import git

NAMES = ["a.py", "b c.py", 'q".py', "back\\slash", "new\nline", "d/e.py", "d/f/g.py", "ü.py"]


def long_way(desk: Desk) -> str:
    """The tree that plain git makes of the folder, in a repository that knows nothing."""
    fresh = desk.folder.parent / "fresh.git"
    shutil.rmtree(fresh, ignore_errors=True)
    git(desk.folder, "init", "--quiet", "--bare", str(fresh))
    places = {"GIT_DIR": str(fresh), "GIT_WORK_TREE": str(desk.folder)}
    git(desk.folder, "add", "--all", **places)
    return git(desk.folder, "write-tree", **places)


def edit(chance: random.Random, folder: Path) -> None:
    path = folder / chance.choice(NAMES)
    if path.is_dir() and not path.is_symlink():
        return shutil.rmtree(path)
    if path.parent.exists() and not path.parent.is_dir():
        path.parent.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    what = chance.choice(["write", "write", "chmod", "link", "remove", "folder", "touch"])
    if what == "chmod" and path.is_file() and not path.is_symlink():
        return path.chmod(path.stat().st_mode ^ 0o100)
    if what == "touch" and path.exists():
        return os.utime(path, (chance.randrange(10**9), chance.randrange(10**9)))
    path.unlink(missing_ok=True)
    if what == "link":
        path.symlink_to(chance.choice(NAMES))
    elif what == "folder":
        path.mkdir()
        (path / "inside.py").write_text(str(chance.random()))
    elif what != "remove":
        path.write_bytes(chance.randbytes(chance.randrange(200)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_same_tree_after_any_edits(desk: Desk, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, short = random.Random(seed), 0
    desk.write("stays.py")
    real = Worktree._read_all

    def read_all(self: Worktree) -> object:
        nonlocal short
        short -= 1
        return real(self)

    monkeypatch.setattr(Worktree, "_read_all", read_all)
    for _ in range(12):
        for _ in range(chance.randrange(4)):
            edit(chance, desk.folder)
        files = desk.files()
        short += 1
        assert files.tree == long_way(desk)
        present = [p for p in desk.folder.rglob("*") if p.is_symlink() or p.is_file()]
        assert (files.count, files.size) == (len(present), sum(p.lstat().st_size for p in present))
    assert short >= 8, "most readings take the short way"


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


LONG: dict[str, Callable[[Desk], object]] = {
    "many files": lambda desk: [desk.write(f"many/{n}") for n in range(edits.MOST_FILES + 1)],
    "many bytes": lambda desk: desk.write("large", "x" * (edits.MOST_BYTES + 1)),
    "a repository": lambda desk: git(desk.folder, "init", "--quiet", str(desk.folder / "inner")),
    "ignored by itself": lambda desk: desk.write("d/.gitignore", "*\n"),
    "a pipe": lambda desk: replace_by_pipe(desk.folder / "a.py"),
    "the largest is gone": lambda desk: (desk.folder / "large.py").unlink(),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", LONG)
def test_what_takes_the_long_way(desk: Desk, case: str) -> None:
    desk.write("a.py")
    desk.write("d/b.py")
    desk.write("large.py", "x" * 2000)
    desk.files()
    LONG[case](desk)
    if case == "a repository":
        desk.write("inner/code.py")
    tree = desk.files().tree
    if case == "a repository":
        shutil.rmtree(desk.folder / "inner" / ".git")
    assert tree == long_way(desk)


def test_largest_files_after_edits(desk: Desk) -> None:
    for number in range(7):
        desk.write(f"{number}.txt", "x" * 500 * number)
    desk.files()
    desk.write("2.txt", "x" * 9000)
    desk.write("new.txt", "x" * 2200)
    assert [size for _, size in desk.files().largest] == [9000, 3000, 2500, 2200, 2000]
    desk.write("2.txt", "")
    assert [size for _, size in desk.files().largest] == [3000, 2500, 2200, 2000, 1500]


def test_largest_files_are_looked_for_once_there_are_many_bytes(desk: Desk) -> None:
    desk.write("a.txt", "x" * 600)
    assert desk.files().largest == ()
    desk.write("b.txt", "x" * 500)
    assert [name for name, _ in desk.files().largest] == ["a.txt", "b.txt"]


def test_file_that_changes_again_before_the_index_follows(desk: Desk) -> None:
    desk.write("a.py", "1")
    desk.deploy()
    desk.write("a.py", "2")
    with desk.repository.snapshot(desk.folder, desk.told.append) as snapshot:
        snapshot.files()
        desk.write("a.py", "3")
        snapshot.put(desk.push())
    assert desk.server.content("a.py") == "2"
    assert desk.deploy().files == 1 and desk.server.content("a.py") == "3"
