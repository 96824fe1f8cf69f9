"""What a database server finds on this machine: servers left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from de_tasks.server.runtime import leash

HOST = "127.0.0.1"


async def end_processes(folder: Path, names: tuple[str, ...], grace: float = leash.GRACE) -> None:
    """End servers that work in a data folder: a killed sandbox or server left them behind."""
    for number in (signal.SIGINT, signal.SIGKILL):
        deadline = time.monotonic() + grace
        for pid in _working_in(folder, names):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while _working_in(folder, names) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)


def _working_in(folder: Path, names: tuple[str, ...]) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() in names and Path(process.cwd()).samefile(folder):
                found.append(process.pid)
    return found
