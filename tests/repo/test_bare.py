"""The cache is disposable: whatever happens to it, the next deploy works."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.repo import bare
from de_tasks.repo import cache as deploys
from de_tasks.repo.errors import Moved
from tests.support.desk import Desk
from tests.support.disks import bound, small_disk
from tests.support.gitserver import git
from tests.support.places import ROOT
from tests.support.waiting import until


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage_objects(place: Path) -> None:
    for path in [*(place / "objects").glob("??/*"), *(place / "objects/pack").glob("*.pack")]:
        path.chmod(0o600)
        path.write_bytes(b"garbage" * 10)


def drop_objects(bare: Path) -> None:
    shutil.rmtree(bare / "objects")
    (bare / "objects").mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated index": lambda bare: truncate(bare / "index"),
    "empty index": lambda bare: os.truncate(bare / "index", 0),
    "no index": lambda bare: (bare / "index").unlink(),
    "objects are garbage": damage_objects,
    "objects are gone": drop_objects,
    "no objects folder": lambda bare: shutil.rmtree(bare / "objects"),
    "packs are gone": lambda bare: shutil.rmtree(bare / "objects/pack"),
    "HEAD is garbage": lambda bare: (bare / "HEAD").write_bytes(b"\0\1"),
    "no HEAD": lambda bare: (bare / "HEAD").unlink(),
    "config is garbage": lambda bare: (bare / "config").write_text("[core\n"),
    "no config": lambda bare: (bare / "config").unlink(),
    "memory is garbage": lambda bare: (bare / "last-deploy.json").write_text("{"),
    "memory is of another format": lambda bare: (bare / "last-deploy.json").write_text("[1]"),
    "lenders are gone": lambda bare: lend(bare, "/nowhere/objects"),
    "a file in its place": lambda bare: replace_by_file(bare),
    "stale locks": lambda bare: lock(bare),
    "everything is gone": shutil.rmtree,
}


def lend(bare: Path, path: str) -> None:
    (bare / "objects/info").mkdir(exist_ok=True)
    (bare / "objects/info/alternates").write_text(path + "\n")


def replace_by_file(bare: Path) -> None:
    shutil.rmtree(bare)
    bare.write_text("")


def lock(bare: Path) -> None:
    for name in ("index", "HEAD", "shallow", "config", "packed-refs", "index.77"):
        (bare / f"{name}.lock").write_text("")
    (bare / "index.4711").write_text("half")


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_cache_heals(desk: Desk, damage: str) -> None:
    desk.write("a.py", "1")
    desk.write("same.py")
    desk.deploy()
    desk.write("a.py", "2")
    desk.deploy()
    DAMAGE[damage](desk.bare)
    desk.write("a.py", "3")
    pushed = desk.deploy()
    assert pushed.sha == desk.server.head() and desk.server.content("a.py") == "3"
    desk.write("a.py", "4")
    assert desk.redeploy() and desk.server.names() == ["a.py", "same.py"]
    assert git(desk.server.repository, "rev-list", "--count", "master") == "4"


def test_missing_objects_of_files_that_git_takes_for_read(desk: Desk) -> None:
    desk.write("a.py", "1")
    desk.deploy()
    before = set((desk.bare / "objects").rglob("*"))
    desk.write("new.py", "new")
    desk.files()
    for path in set((desk.bare / "objects").rglob("*")) - before:
        if path.is_file():
            path.unlink()
    # Git believes its index, and only the push stumbles.
    assert desk.deploy().sha == desk.server.head()
    assert desk.server.content("new.py") == "new"


DEPLOYER = """
    import sys
    from pathlib import Path
    from tests.support.desk import Desk
    from tests.support.gitserver import GitServer
    url, folder, cache = sys.argv[1:]
    Desk(GitServer(Path("/nowhere"), url), Path(folder), Path(cache)).deploy()
"""


def start_deploy(
    desk: Desk, as_whom: Callable[[list[str]], list[str]] = list
) -> subprocess.Popen[str]:
    """A deploy by another process of the same machine."""
    script = textwrap.dedent(DEPLOYER)
    return subprocess.Popen(
        as_whom([sys.executable, "-c", script, desk.server.url, str(desk.folder), str(desk.cache)]),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_while_reading(desk: Desk) -> None:
    for number in range(60):
        (desk.folder / f"{number}.bin").write_bytes(os.urandom(200_000))
    child = start_deploy(desk)
    while not list(desk.cache.glob("deploy/*.git/objects/pack/tmp_*")):
        assert child.poll() is None, child.communicate()
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert desk.deploy().sha == desk.server.head()
    assert len(desk.server.names()) == 60


@pytest.mark.slow
def test_killed_while_pushing(desk: Desk) -> None:
    desk.write("a.py")
    desk.server.hold = threading.Event()
    child = start_deploy(desk)
    assert desk.server.arrived.wait(60)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    held, desk.server.hold = desk.server.hold, None
    # Git's own processes outlive it and finish the push, now or while the next one is going on.
    threading.Timer(0.1, held.set).start()
    desk.write("a.py", "2")
    with contextlib.suppress(Moved):
        desk.deploy()
    assert desk.deploy().sha == desk.server.head()
    assert desk.server.content("a.py") == "2"


@pytest.mark.slow
def test_second_deploy_waits_and_says_for_whom(desk: Desk) -> None:
    desk.write("a.py", "1")
    desk.server.hold = threading.Event()
    child = start_deploy(desk)
    assert desk.server.arrived.wait(60)
    held, desk.server.hold = desk.server.hold, None

    def let_go() -> None:
        try:
            until(lambda: desk.told, "the second says that it waits")
        finally:
            held.set()

    letting_go = threading.Thread(target=let_go)
    letting_go.start()
    desk.write("a.py", "2")
    desk.deploy()
    letting_go.join()
    assert child.wait(60) == 0, child.communicate()
    (words,) = desk.told
    assert re.fullmatch(
        rf"Waiting for another deploy of app from this machine: \w+, process {child.pid}, since "
        r"\d\d:\d\d:\d\d",
        words,
    )
    assert desk.server.content("a.py") == "2"
    assert git(desk.server.repository, "rev-list", "--count", "master") == "2"


def test_deploy_that_takes_too_long_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a.py")
    desk.files()
    monkeypatch.setattr(deploys, "SECONDS", 0.1)
    # One that was begun a moment ago has not said yet whose it is.
    with FileLock(f"{desk.bare}.lock"), pytest.raises(Temporary) as raised:
        desk.files()
    assert str(raised.value) == "another process has held app for too long. Try again"
    assert desk.told == ["Waiting for another deploy of app from this machine: another process"]


def test_disk_that_is_full_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeTasksError, match=r"^The disk is full"), bare.writing(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_index_is_copied_where_it_cannot_be_linked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*paths: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    desk.write("a.py", "1")
    desk.deploy()
    monkeypatch.setattr(os, "link", link)
    desk.write("b.py", "2")
    assert desk.deploy().files == 1 and desk.server.names() == ["a.py", "b.py"]


@pytest.mark.slow
def test_full_disk(desk: Desk, namespaces: None, tmp_path: Path) -> None:
    (desk.folder / "large.bin").write_bytes(os.urandom(3 * 1024**2))
    small = tmp_path / "small"
    script = textwrap.dedent(DEPLOYER)
    command = [sys.executable, "-c", script, desk.server.url, str(desk.folder), str(small)]
    done = small_disk(small, ["env", f"PYTHONPATH={ROOT}", *command], "1m")
    assert "The disk is full" in done.stderr and done.returncode != 0
    assert desk.deploy().changed


def test_cache_that_is_a_file(desk: Desk) -> None:
    desk.write("a.py")
    desk.cache.write_text("")
    with pytest.raises(UsageError, match=r"cannot be written: .*Set de\.cache"):
        desk.deploy()


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_may_not_be_read_is_named(desk: Desk, what: str) -> None:
    path = desk.write("secret/inside.py")
    (path if what == "file" else path.parent).chmod(0o000)
    child = start_deploy(desk, bound)
    _, err = child.communicate(timeout=60)
    assert re.search(r"UsageError: secret(/inside.py)? cannot be read by you", err), err
    assert not desk.server.head()


@pytest.mark.slow
@pytest.mark.parametrize("room", [10**9, -(10**9)], ids=["enough", "too little"])
def test_packs_stay_few(desk: Desk, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "MOST_PACKS", 3)
    monkeypatch.setattr(bare, "ROOM", room)
    for number in range(8):
        desk.write("a.py", str(number))
        desk.deploy()
        for cache in desk.cache.glob("deploy/*.git/objects/pack"):
            assert len(list(cache.glob("*.pack"))) <= 4
    assert desk.server.content("a.py") == "7"
    assert git(desk.server.repository, "rev-list", "--count", "master") == "8"


def test_old_leftovers_are_cleared_away(desk: Desk) -> None:
    desk.write("a.py")
    desk.deploy()
    old, young = (desk.bare / "objects/pack" / name for name in ("tmp_pack_old", "tmp_pack_new"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    desk.deploy()
    assert not old.exists() and young.exists()
