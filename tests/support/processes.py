"""What runs on this machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from de_tasks.server import control
from de_tasks.server.alive import runs
from tests.support.waiting import until


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def children_of(pid: int, word: str) -> list[int]:
    """The children of a process whose command line has a word."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            try:
                line = Path(f"/proc/{child}/cmdline").read_text()
            except OSError:
                continue
            if word in line:
                found.append(child)
    return found


def kill(running: control.Running) -> None:
    """Kill a sandbox, and return when its process is gone."""
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not runs(running.pid), "the sandbox is gone")
