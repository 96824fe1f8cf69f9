"""Running an app on this machine: its Procfile's processes, all ended together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from de_tasks.appspec import Procfile, shell
from de_tasks.config.environment import without_secrets
from de_tasks.errors import UsageError

GRACE = 5.0
"""Seconds that processes have to end when they are asked to."""
PORTS_TRIED = 50


def commands(folder: Path, all_of_them: bool) -> dict[str, str]:
    """Process type to command line: `web` alone, or every process of the Procfile."""
    found = Procfile.read(folder).commands
    # `release` is the platform's own name for a command that is no process.
    kept = {kind: line for kind, line in found.items() if kind != "release"}
    return kept if all_of_them else {"web": kept["web"]}


def free_port_from(first: int) -> int:
    """The first port from `first` on that nobody listens on. Raises `UsageError`."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise UsageError(f"Ports {first} to {first + PORTS_TRIED - 1} are taken: give one with --port")


def run(
    folder: Path,
    lines: Mapping[str, str],
    port: int,
    variables: Mapping[str, str],
    say: Callable[[str], None],
    reload: bool,
) -> int:
    """Run the command lines until one ends or an interrupt; returns that one's exit status.

    Every child and all that it started is gone when this returns, however it returns.
    """
    arguments = f"--bind=127.0.0.1:{port}" + (" --reload" if reload else "")
    environment = {
        **without_secrets(),
        **variables,
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "GUNICORN_CMD_ARGS": f"{os.environ.get('GUNICORN_CMD_ARGS', '')} {arguments}".strip(),
    }
    if reload:
        # Dash's own switches, for apps that are run with `python app.py`.
        environment |= {"DASH_DEBUG": "true", "DASH_HOT_RELOAD": "true"}
    children: dict[str, subprocess.Popen[str]] = {}
    readers = []
    width = max(map(len, lines))
    try:
        for kind, line in lines.items():
            child = subprocess.Popen(
                [shell(), "-c", line],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            children[kind] = child
            label = f"{kind:{width}} | " if len(lines) > 1 else ""
            assert child.stdout
            reader = threading.Thread(target=_read, args=(child.stdout, label, say), daemon=True)
            reader.start()
            readers.append(reader)
        while True:
            for child in children.values():
                if child.poll() is not None:
                    return child.returncode
            time.sleep(0.1)
    finally:
        _end(list(children.values()))
        for reader in readers:
            reader.join(1)


def _read(stream: IO[str], label: str, say: Callable[[str], None]) -> None:
    for line in stream:
        say(label + line.rstrip("\n"))


def _end(children: list[subprocess.Popen[str]]) -> None:
    # A session's leader may be gone while what it started is still there: signal the group.
    for number in (signal.SIGTERM, signal.SIGKILL):
        for child in children:
            try:
                os.killpg(child.pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + GRACE
        while any(_alive(child) for child in children) and time.monotonic() < deadline:
            time.sleep(0.05)


def _alive(child: subprocess.Popen[str]) -> bool:
    child.poll()
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True
