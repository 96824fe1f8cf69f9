"""What an app uses of this machine, read from /proc and the file system."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

PROC = Path("/proc")
SAMPLE = 0.1
"""Seconds between the two looks at the processors."""


def measure(groups: list[int], folder: Path | None, data: Path) -> dict[str, object]:
    """Use of processor, memory and disk by the process groups, in the API's words.

    Where there is no /proc (macOS), `error` says so and the rest is null.
    """
    disk = shutil.disk_usage(data)
    size = _size(folder) if folder else 0
    found: dict[str, object] = {
        "cpuUsage": None,
        "containersRunning": len(groups),
        "memoryUsage": None,
        "memoryCapacity": None,
        "imageSize": _megabytes(size),
        "containerSize": _megabytes(size),
        "diskCapacity": _megabytes(disk.total),
        "error": None,
    }
    if not (PROC / "meminfo").exists():
        return {**found, "error": "This system does not tell what processes use."}
    before, begin = _processor(groups), time.monotonic()
    time.sleep(SAMPLE)
    seconds = _processor(groups) - before
    total = (PROC / "meminfo").read_text().split("MemTotal:")[1].split()[0]
    found["cpuUsage"] = f"{100 * seconds / (time.monotonic() - begin):.1f}%"
    found["memoryUsage"] = _megabytes(_memory(groups))
    found["memoryCapacity"] = _megabytes(int(total) * 1024)
    return found


def _members(groups: list[int]) -> list[Path]:
    """Folders of /proc of the processes in the groups."""
    found = []
    for entry in PROC.glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) in groups:
                found.append(entry)
        except ProcessLookupError:
            continue
    return found


def _processor(groups: list[int]) -> float:
    ticks = 0
    for entry in _members(groups):
        try:
            # proc(5): fields 14 and 15, counted from the first; the name may have spaces.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory(groups: list[int]) -> int:
    pages = 0
    for entry in _members(groups):
        try:
            pages += int((entry / "statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
