"""Running an app on this machine: its Procfile's processes, all ended together."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from de_tasks.appspec import Procfile, shell
from de_tasks.config.environment import without_secrets
from de_tasks.config.system import TREE, end_tree, has_processes, tree_runs
from de_tasks.errors import UsageError
from de_tasks.health import causes

GRACE = 5.0
"""Seconds that processes have to end when they are asked to."""
PORTS_TRIED = 50
LINES_KEPT = 1000
"""Of what each process prints, for the cause of its end."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its type, its exit status, and the last that it printed."""

    kind: str
    status: int
    lines: Sequence[str]

    def why(self, folder: Path) -> str:
        """The sentence for its end, with the cause in its own words and what mends it, where that
        is known of the app in `folder`."""
        cause = causes.last_words(self.lines)
        how = causes.exit_words(self.status, "ended")
        words = f"{self.kind} {how}{f': {cause}' if cause else ''}"
        missing = causes.missing_package(cause)
        own = any((folder / name).exists() for name in (missing, f"{missing}.py"))
        if not missing or own:
            return words
        if not (folder / "requirements.txt").exists():
            return f"{words}. {missing} is not installed here, and no requirements.txt names it"
        install = "pip install -r requirements.txt"
        return f"{words}. The app's packages are not installed here: {install}"


def commands(folder: Path, all_of_them: bool) -> dict[str, str]:
    """Process type to command line: `web` alone, or every process of the Procfile.

    Raises `UsageError` on Windows.
    """
    if not has_processes():
        raise UsageError(
            "The commands of a Procfile run on Linux and macOS, as gunicorn does. On Windows, type "
            "this in WSL (learn.microsoft.com/windows/wsl), or start the app by itself: "
            "python app.py"
        )
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
) -> Ended:
    """Run the command lines until one ends or an interrupt; returns how that one ended.

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
    said = {kind: deque[str](maxlen=LINES_KEPT) for kind in lines}
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
                **TREE,
            )
            children[kind] = child
            label = f"{kind:{width}} | " if len(lines) > 1 else ""
            assert child.stdout
            told = (child.stdout, label, said[kind], say)
            reader = threading.Thread(target=_read, args=told, daemon=True)
            reader.start()
            readers.append(reader)
        while True:
            for kind, child in children.items():
                if child.poll() is not None:
                    return Ended(kind, child.returncode, said[kind])
            time.sleep(0.1)
    finally:
        _end(list(children.values()))
        for reader in readers:
            reader.join(1)


def _read(stream: IO[str], label: str, said: deque[str], say: Callable[[str], None]) -> None:
    for line in stream:
        said.append(line)
        say(label + line.rstrip("\n"))


def _end(children: list[subprocess.Popen[str]]) -> None:
    # A session's leader may be gone while what it started is still there: signal the group.
    for at_once in (False, True):
        for child in children:
            end_tree(child, at_once)
        deadline = time.monotonic() + GRACE
        while any(tree_runs(child) for child in children) and time.monotonic() < deadline:
            time.sleep(0.05)
