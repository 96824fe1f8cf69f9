"""What an app uses of this machine, read from /proc and the file system."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from de_tasks.server.runtime.reaper import descendants

PROC = Path("/proc")
SAMPLE = 0.1
"""Seconds between the two looks at the processors."""


def measure(roots: list[int], folder: Path | None, data: Path) -> dict[str, object]:
    """Use of processor, memory and disk by what runs below the `roots`, in the API's words.

    Where there is no /proc (macOS), `error` says so and the rest is null.
    """
    disk = shutil.disk_usage(data)
    size = _size(folder) if folder else 0
    found: dict[str, object] = {
        "cpuUsage": None,
        "containersRunning": len(roots),
        "memoryUsage": None,
        "memoryCapacity": None,
        "imageSize": _megabytes(size),
        "containerSize": _megabytes(size),
        "diskCapacity": _megabytes(disk.total),
        "error": None,
    }
    if not (PROC / "meminfo").exists():
        return {**found, "error": "This system does not tell what processes use."}
    before, begin = _processor(roots), time.monotonic()
    time.sleep(SAMPLE)
    seconds = _processor(roots) - before
    total = (PROC / "meminfo").read_text().split("MemTotal:")[1].split()[0]
    found["cpuUsage"] = f"{100 * seconds / (time.monotonic() - begin):.1f}%"
    found["memoryUsage"] = _megabytes(_memory(roots))
    found["memoryCapacity"] = _megabytes(int(total) * 1024)
    return found


def _members(roots: list[int]) -> list[Path]:
    """Folders of /proc of the processes below the roots."""
    return [PROC / str(pid) for root in roots for pid in descendants(root)]


def _processor(roots: list[int]) -> float:
    ticks = 0
    for entry in _members(roots):
        try:
            # proc(5): fields 14 and 15, counted from the first; the name may have spaces.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory(roots: list[int]) -> int:
    pages = 0
    for entry in _members(roots):
        try:
            pages += int((entry / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
