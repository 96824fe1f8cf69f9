"""Processes that nobody watches any more, found by a mark in their environment.

A reaper ends what it was given to watch. Should it be killed itself, what is left of its command
is known by this variable, which a process hands on to all that it starts unless it takes care
not to. A system shows the environment of a process to its own user.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from pathlib import Path

import psutil

VARIABLE = "DASH_SANDBOX_PROCESS"


def mark_of(data: Path) -> str:
    """How the marks of all processes of a data directory begin."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16] + "-"


def new_mark(data: Path) -> str:
    """The mark of a new process of a data directory."""
    return mark_of(data) + secrets.token_hex(8)


def somebody_in(folder: Path) -> bool:
    """Whether a process of this machine works in a folder, as far as we can see."""
    inside = f"{folder.resolve()}/"
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if f"{process.cwd()}/".startswith(inside):
                return True
    return False


def end_strays(mark: str) -> list[int]:
    """Kill the processes whose mark begins so; returns their ids."""
    found: list[int] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(VARIABLE, "").startswith(mark):
                # What psutil has kept of this number may be of a process that has ended.
                psutil.Process(process.pid).kill()
                found.append(process.pid)
    return found
