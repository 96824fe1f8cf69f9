"""What an app uses of this machine, as its system and the file system tell."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

SAMPLE = 0.1
"""Seconds between the two looks at the processors."""


def measure(roots: list[int], folder: Path | None, data: Path) -> dict[str, object]:
    """Use of processor, memory and disk by what runs below the `roots`, in the API's words."""
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
    before, begin = _processor(roots), time.monotonic()
    time.sleep(SAMPLE)
    seconds = _processor(roots) - before
    found["cpuUsage"] = f"{100 * seconds / (time.monotonic() - begin):.1f}%"
    found["memoryUsage"] = _megabytes(_memory(roots))
    found["memoryCapacity"] = _megabytes(psutil.virtual_memory().total)
    return found


def _members(roots: list[int]) -> Iterator[psutil.Process]:
    """The processes below the roots."""
    for root in roots:
        with suppress(psutil.Error):
            yield from psutil.Process(root).children(recursive=True)


def _processor(roots: list[int]) -> float:
    """Seconds."""
    seconds = 0.0
    for process in _members(roots):
        with suppress(psutil.Error):
            times = process.cpu_times()
            seconds += times.user + times.system
    return seconds


def _memory(roots: list[int]) -> int:
    """Bytes."""
    size = 0
    for process in _members(roots):
        with suppress(psutil.Error):
            size += process.memory_info().rss
    return size


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
