"""A recycled folder is as a new check-out would be, whatever the app has done in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from de_tasks.server.builds.checkout import SPARE, Checkouts
from de_tasks.server.builds.recycling import _below
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.runtime.app import App, Release
from de_tasks.server.runtime.folders import numbered, tidy, workshop
from de_tasks.server.runtime.processes import Leash
from tests.support.gitserver import GIT, git
from tests.support.waiting import until

OUTSIDE = "precious"


def same_size(folder: Path) -> None:
    path = folder / "kept.txt"
    before = path.stat()
    path.write_text(path.read_text().upper())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(folder: Path) -> None:
    before = (folder / "kept.txt").stat()
    (folder / "other").write_text((folder / "kept.txt").read_text().upper())
    os.utime(folder / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / "other").replace(folder / "kept.txt")


def own_files(folder: Path) -> None:
    for name in ("own.txt", "own.log", "sub/own.log", "new", b"\xff\n".decode("utf-8", "replace")):
        (folder / name).write_text("own")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "app.pyc").touch()
    (folder / "empty" / "folder").mkdir(parents=True)


def nested_repository(folder: Path) -> None:
    for place in (folder, folder / "sub", folder / "module"):
        git(place, "init", "--quiet")
        git(place, "config", "core.fsmonitor", f"touch {folder}/executed; false")
        (place / ".git" / "HEAD").write_text("0" * 40)


def modes(folder: Path) -> None:
    (folder / "kept.txt").chmod(0o600)
    (folder / "script.sh").chmod(0o644)
    (folder / "changed.txt").chmod(0o777)
    (folder / "sub").chmod(0o777)


def closed_folders(folder: Path) -> None:
    (folder / "own" / "closed").mkdir(parents=True)
    for place in (folder / "own" / "closed", folder / "own", folder / "sub/inner", folder / "gone"):
        place.chmod(0)


def links_out(folder: Path) -> None:
    outside = folder.parents[2] / "outside"
    for name in ("sub", "was_file", "new", "gone"):
        _away(folder / name)
        (folder / name).symlink_to(outside)
    _away(folder / "kept.txt")
    (folder / "kept.txt").symlink_to(outside / "file.txt")
    _away(folder / "link")
    (folder / "link").symlink_to("changed.txt")


def moved_and_linked(folder: Path) -> None:
    (folder / "sub").rename(folder / "elsewhere")
    (folder / "sub").symlink_to("elsewhere")


def hard_link(folder: Path) -> None:
    os.link(folder / "kept.txt", folder.parents[2] / "outside" / "second name")


def other_kinds(folder: Path) -> None:
    for name in ("kept.txt", "sub", "link", "was_file"):
        _away(folder / name)
    (folder / "kept.txt").mkdir()
    (folder / "kept.txt" / "own").touch()
    (folder / "sub").write_text("no folder")
    (folder / "link").write_text("kept.txt")
    os.mkfifo(folder / "was_file")
    with socket.socket(socket.AF_UNIX) as own:
        os.chdir(folder)
        own.bind("new")


def removed(folder: Path) -> None:
    for name in ("kept.txt", "sub", "gone/deep", "module", "was_folder/x"):
        _away(folder / name)


def deep(folder: Path) -> None:
    os.chdir(folder)
    for _ in range(1500):
        os.mkdir("deeper")
        os.chdir("deeper")
    Path("own").touch()


def attributes(folder: Path) -> None:
    for name in ("sub", "kept.txt") if hasattr(os, "setxattr") else ():
        os.setxattr(folder / name, "user.own", b"1")


def untouched(folder: Path) -> None:
    pass


STATES: list[Callable[[Path], None]] = [
    same_size,
    replaced,
    own_files,
    nested_repository,
    modes,
    closed_folders,
    links_out,
    moved_and_linked,
    hard_link,
    other_kinds,
    removed,
    deep,
    attributes,
    untouched,
]


def _away(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


def _write(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    (top / "link").symlink_to("kept.txt")


COMMON = {"kept.txt": "kept", "sub/inner/kept.txt": "kept", "script.sh": "#!/bin/sh\n"}
OLD = {"changed.txt": "old", "gone/deep/x": "", "was_file": "", "was_folder/x": "", "mode": "m"}
NEW = {"changed.txt": "new", "new/x": "", "was_file/x": "", "was_folder": "", "mode": "#!"}


class Bench:
    """An app with a repository of two commits, which look the same for each state."""

    def __init__(self, base: Path) -> None:
        self.app = App(1, "own", base / "app")
        self.leash = Leash()
        self.repositories = Repositories(base / "git", base / "hooks", 10**9, self.leash)
        self.checkouts = Checkouts(self.repositories)
        asyncio.run(self.repositories.ready(1))
        self._variables = {**GIT, "GIT_DIR": str(self.repositories.path(1))}
        self.old, self.new = self._commit(base / "old", OLD), self._commit(base / "new", NEW)

    def _commit(self, tree: Path, files: dict[str, str]) -> str:
        for state in STATES:
            _write(tree / state.__name__, {**COMMON, **files})
        (tree / ".gitignore").write_text("*.log\n__pycache__/\n")
        variables = {**self._variables, "GIT_WORK_TREE": str(tree)}
        git(tree, "add", "--all", "--force", **variables)
        for state in STATES:
            module = f"160000,{'1' * 40},{state.__name__}/module"
            git(tree, "update-index", "--add", "--cacheinfo", module, **variables)
        git(tree, "commit", "--quiet", "--message", "x", **variables)
        return git(tree, "rev-parse", "HEAD", **variables)

    def make(self, sha: str, build_id: int, live: int | None = None) -> Path:
        """The folder of a build, as long after its files were written as it takes to trust them."""
        count = asyncio.run(self.checkouts.make(self.app, sha, build_id, live))
        assert count == 1 + len(STATES) * 9
        index = self.repositories.index(1, build_id)
        later = index.stat().st_mtime_ns + 10**9
        os.utime(index, ns=(later, later))
        folder = self.app.release_folder(build_id)
        last = max(path.lstat().st_ctime_ns for path in (folder, index))
        until(lambda: clock(folder.with_name("probe")) > last, "the clock goes on")
        return folder


def clock(probe: Path) -> int:
    """What the file system takes for now."""
    probe.touch()
    now = probe.stat().st_ctime_ns
    probe.unlink()
    return now


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.leash.close()


def looks(folder: Path) -> dict[str, tuple[int, str]]:
    """All that is in a folder, with modes, links and contents."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        what = ""
        if stat.S_ISLNK(status.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            what = f"{path.read_bytes()!r} {status.st_nlink}"
        elif hasattr(os, "listxattr"):
            what = str(os.listxattr(path))
        found[str(path.relative_to(folder))] = (status.st_mode, what)
    return found


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Path, int]]:
    """A recycled folder, a new one, what lies outside, and the number of a file that was kept."""
    base = tmp_path_factory.mktemp("recycled")
    made = Bench(base)
    outside = base / "app" / "outside"
    folder = made.make(made.old, 1)
    outside.mkdir()
    (outside / "file.txt").write_text(OUTSIDE)
    kept = (folder / "untouched" / "kept.txt").stat().st_ino
    here = Path.cwd()
    for state in STATES:
        state(folder / state.__name__)
        os.chdir(here)
    recycled = made.make(made.new, 2)
    yield recycled, made.make(made.new, 3, live=2), outside, kept
    made.leash.close()


@pytest.mark.parametrize("state", [state.__name__ for state in STATES])
def test_recycled_folder_is_as_a_new_one(
    state: str, compared: tuple[Path, Path, Path, int]
) -> None:
    recycled, fresh, outside, kept = compared
    assert looks(recycled / state) == looks(fresh / state)
    assert (recycled / "untouched" / "kept.txt").stat().st_ino == kept
    left = {path.name: path.read_text() for path in outside.iterdir()}
    assert left == {"file.txt": OUTSIDE, "second name": "kept"}


def test_file_as_new_as_the_index_is_written_again(bench: Bench) -> None:
    folder = bench.make(bench.old, 1)
    kept = folder / "untouched" / "kept.txt"
    index, before = bench.repositories.index(1, 1), kept.stat()
    os.utime(index, ns=(before.st_ctime_ns, before.st_ctime_ns))
    again = bench.make(bench.old, 2) / "untouched" / "kept.txt"
    assert again.read_text() == "kept" and again.stat().st_ctime_ns > before.st_ctime_ns


@pytest.mark.parametrize("harm", ["mode", "link", "index", "no index"])
def test_folder_that_cannot_be_recycled_is_made_anew(bench: Bench, harm: str) -> None:
    folder, index = bench.make(bench.old, 1), bench.repositories.index(1, 1)
    if harm == "mode":
        folder.chmod(0o500)
    elif harm == "link":
        folder.rename(folder.with_name("elsewhere"))
        folder.symlink_to("elsewhere")
    elif harm == "index":
        index.write_bytes(b"DIRC" + os.urandom(2000))
    else:
        index.unlink()
    made, other = bench.make(bench.new, 2), bench.make(bench.new, 3, live=2)
    assert looks(made) == looks(other) and not folder.is_symlink() and not folder.exists()


def test_folders_in_use_are_left_alone(bench: Bench) -> None:
    for build_id in range(1, 5):
        bench.checkouts = Checkouts(bench.repositories)
        bench.make(bench.old, build_id, live=1)
        bench.app.replaced = [Release(number, "", {}) for number in range(2, build_id + 1)]
    bench.app.replaced, bench.app.current = bench.app.replaced[:1], Release(3, "", {})
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, cwd=bench.app.release_folder(4), stdin=subprocess.PIPE) as own:
        bench.make(bench.new, 5, live=1)
        assert numbered(bench.app) == [1, 2, 3, 4, 5]
        own.communicate(b"\n")
    bench.make(bench.new, 6, live=1)
    assert numbered(bench.app) == [1, 2, 3, 5, 6]


def test_killed_check_out_leaves_nothing_that_is_served(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.make(bench.old, 1)

    async def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    async def not_removed(folder: Path) -> None:
        pass

    monkeypatch.setattr(bench.repositories, "write", killed)
    monkeypatch.setattr("de_tasks.server.builds.checkout.remove_tree", not_removed)
    with pytest.raises(KeyboardInterrupt):
        bench.make(bench.new, 2)
    monkeypatch.undo()
    assert numbered(bench.app) == [] and workshop(bench.app).exists()
    tidy(bench.app, False)
    assert not workshop(bench.app).exists()
    assert looks(bench.make(bench.new, 2)) == looks(bench.make(bench.new, 3, live=2))


def test_folder_of_a_failed_build_is_used_by_the_next(bench: Bench) -> None:
    kept = (bench.make(bench.old, 1) / "untouched" / "kept.txt").stat().st_ino
    asyncio.run(bench.checkouts.set_aside(bench.app, 1))
    assert numbered(bench.app) == [SPARE]
    assert (bench.make(bench.new, 2) / "untouched" / "kept.txt").stat().st_ino == kept
    asyncio.run(bench.checkouts.tidy(bench.app))
    assert [p.name for p in bench.repositories.index(1, 2).parent.iterdir()] == ["2"]


def test_large_app_has_a_folder_for_its_second_build(bench: Bench) -> None:
    bench.make(bench.old, 1)
    asyncio.run(bench.checkouts.prepare(bench.app, bench.old, 100))
    assert numbered(bench.app) == [1]
    asyncio.run(bench.checkouts.prepare(bench.app, bench.old, 2_000))
    assert numbered(bench.app) == [SPARE, 1]
    asyncio.run(bench.checkouts.prepare(bench.app, bench.old, 2_000))
    assert numbered(bench.app) == [SPARE, 1]


@pytest.mark.parametrize("old", [None, 1])
def test_lock_of_a_git_that_was_killed_stops_no_build(bench: Bench, old: int | None) -> None:
    if old:
        bench.make(bench.old, old)
    lock = bench.repositories.index(1, 2).with_name("2.lock")
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    assert (bench.make(bench.new, 2) / "untouched" / "kept.txt").read_text() == "kept"


def test_folder_that_has_become_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "inner").mkdir(parents=True)
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "sub").symlink_to("../elsewhere")
    top = os.open(tmp_path / "top", os.O_RDONLY)
    for place in ("sub/", "sub/inner/"):
        with pytest.raises(NotADirectoryError), _below(top, place):
            pass
    os.close(top)
