"""Folders to deploy, of many sizes, and ways to change and to measure them."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

LINE = b"value = compute(%d)\n"


@dataclass(frozen=True)
class Tree:
    """So many files of so many bytes each: half of a file looks random, half like a program."""

    name: str
    files: int
    size: int


TREES = {
    tree.name: tree
    for tree in (
        Tree("S", 20, 30_000),
        Tree("M", 1_000, 20_000),
        Tree("L", 20_000, 19_000),
        Tree("XL", 100_000, 700),
        Tree("one", 1, 300_000_000),
    )
}


def make(tree: Tree, folder: Path) -> Path:
    """Write a tree; returns the file that is to be changed."""
    chance = random.Random(tree.files)
    for number in range(tree.files):
        place = folder / f"d{number // 3000:02}" / f"s{number // 100 % 30:02}"
        if number % 100 == 0:
            place.mkdir(parents=True)
        half = tree.size // 2
        lines = (LINE % number) * (half // len(LINE % number) + 1)
        with (place / f"f{number:06}.py").open("wb") as stream:
            for begin in range(0, half, 2**20):
                stream.write(chance.randbytes(min(2**20, half - begin)))
            stream.write(lines[:half])
    return folder / "d00" / "s00" / "f000000.py"


def change(file: Path) -> None:
    """Change one file by one line."""
    with file.open("ab") as stream:
        stream.write(b"%d\n" % time.time_ns())


@dataclass(frozen=True)
class Used:
    """What a command took: seconds by the clock, seconds of CPU, and with `watch` the peak of
    memory in bytes, each with all that it started."""

    wall: float
    cpu: float
    memory: int = 0


def run(command: list[str], folder: Path, environment: dict[str, str], watch: bool = False) -> Used:
    """Run a command to its end, which must be a good one."""
    begin = time.perf_counter()
    with open(os.devnull) as nothing:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=nothing,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    peak, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(0.01):
            peak[0] = max(peak[0], sum(map(_memory, _family(child.pid))))

    watcher = threading.Thread(target=sample)
    if watch:
        watcher.start()
    assert child.stdout
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    over.set()
    if watch:
        watcher.join()
    if child.returncode:
        raise SystemExit(f"{command} failed:\n{output.decode()}")
    return Used(wall, usage.ru_utime + usage.ru_stime, peak[0])


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _memory(pid: int) -> int:
    """The proportional set size: what processes share is counted once."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(text.split("\nPss:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return 0
