"""What must be so of a sandbox at rest, seen from outside: its files and its processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.server import control

UNFINISHED = "SELECT count(*) FROM builds WHERE status IN ('queued', 'building')"


@dataclass(frozen=True)
class State:
    """Ids and names of what the database knows."""

    apps: dict[int, str]
    services: set[str]
    unfinished: int
    failed: set[int]


def state(data: Path) -> State:
    """What the database says, read without disturbing the server."""
    with sqlite3.connect(f"file:{data / 'sandbox.sqlite3'}?mode=ro", uri=True) as database:
        apps = dict(database.execute("SELECT id, name FROM apps"))
        services = {
            f"{name}-{number}" for number, name in database.execute("SELECT id, name FROM services")
        }
        (unfinished,) = database.execute(UNFINISHED).fetchone()
        failed = {n for (n,) in database.execute("SELECT id FROM builds WHERE status = 'failed'")}
    database.close()
    return State(apps, services, unfinished, failed)


def come_to_rest(data: Path, seconds: float = 60) -> Iterator[str]:
    """Wait until every build has ended."""
    deadline = time.monotonic() + seconds
    while state(data).unfinished:
        if time.monotonic() > deadline:
            yield f"{state(data).unfinished} builds have not ended {seconds:.0f} s after a start"
            return
        time.sleep(0.05)


def files(data: Path) -> Iterator[str]:
    """Files that nobody needs, and damage."""
    known = state(data)
    yield from _unknown(data / "apps", {str(number) for number in known.apps})
    yield from _unknown(data / "git", {f"{number}.git" for number in known.apps})
    yield from _unknown(data / "databases" / "redis", known.services)
    yield from _unknown(data / "databases" / "postgres" / "services", known.services)
    for folder in (data / "apps").glob("*"):
        yield from _unknown(folder, {"home", "logs", "releases", "mount"})
        releases = {p.name for p in folder.glob("releases/*")} - {"mount"}
        for name in releases:
            if not name.isdigit() or int(name) in known.failed:
                yield f"{folder / 'releases' / name} was left behind"
    yield from (f"{path} was left behind" for path in _of_killed_pushes(data / "git"))
    for path in (data / "environments").iterdir():
        if path.name != "uv-cache" and not (path / ".complete").exists():
            yield f"{path} is an environment that was not finished"
    for top in (data, data / "apps", data / "databases", data / "environments"):
        yield from (f"{path} was left behind" for path in top.glob("*.partial*"))
    with sqlite3.connect(f"file:{data / 'sandbox.sqlite3'}?mode=ro", uri=True) as database:
        for pragma in ("integrity_check", "foreign_key_check"):
            rows = [row for row in database.execute(f"PRAGMA {pragma}") if row != ("ok",)]
            if rows:
                yield f"{pragma}: {rows}"
    database.close()


def _of_killed_pushes(folder: Path, seconds: float = 60) -> list[Path]:
    """What is still there after so long: the sandbox clears it away when it serves already."""
    deadline = time.monotonic() + seconds
    while True:
        patterns = ("*.lock", "objects/tmp_objdir*", "objects/pack/tmp_*", "objects/pack/.tmp*")
        found = [path for pattern in patterns for path in folder.glob(f"*.git/{pattern}")]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def processes(running: control.Running, seconds: float = 60) -> Iterator[str]:
    """Processes that work for the data directory and are not the running server's, and do not end
    within so long: what a killed server has left behind is ended by its leash."""
    deadline = time.monotonic() + seconds
    while (found := _of_nobody(running)) and time.monotonic() < deadline:
        time.sleep(0.1)
    yield from (f"process {number} is nobody's: {line}" for number, line in found.items())


def _of_nobody(running: control.Running) -> dict[int, str]:
    parents = {}
    ours = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            here = os.readlink(entry / "cwd")
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        if fields[0] != "Z" and str(running.data) in line + here:
            ours[int(entry.name)] = line
    found = {}
    for number, line in ours.items():
        ancestor = number
        while ancestor > 1 and ancestor != running.pid:
            ancestor = parents.get(ancestor, 1)
        if ancestor != running.pid:
            found[number] = line
    return found


def temporary(folder: Path) -> Iterator[str]:
    """Temporary folders of servers that are gone."""
    found = sorted(path.name for path in folder.iterdir())
    if len(found) > 1:
        yield f"temporary files: {found}"


def _unknown(folder: Path, names: set[str]) -> Iterator[str]:
    for path in folder.glob("*"):
        if path.name not in names:
            yield f"{path} belongs to nothing"
