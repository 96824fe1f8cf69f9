"""Sandboxes that fork from a process which has imported what they need.

Starting Python and importing the server is most of what a start costs, and the tests start some
hundred. What a sandbox does after its imports is the same; what it does before is tested where
it is started with an environment of its own, as `inv sandbox.start` does.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import de_tasks.server
from de_tasks.server import control

SERVER = "de_tasks.server"
AS_A_PROGRAM = control.launch
LOADED_LATE = (
    *("uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto"),
)
"""What a sandbox imports when it serves."""
ROOM = 4096
"""Bytes for the command line of a sandbox, which `ps` and the tests read."""


class Forked:
    """A child of another process, with what `control` asks of a `Popen`."""

    def __init__(self, pid: int, handle: int) -> None:
        self.pid, self._handle = pid, handle

    def __del__(self) -> None:
        os.close(self._handle)

    def poll(self) -> int | None:
        """None while it runs; its status is its parent's to know."""
        return 0 if _readable(self._handle, 0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Return when it has ended. Raises `subprocess.TimeoutExpired`."""
        if not _readable(self._handle, timeout):
            raise subprocess.TimeoutExpired("sandbox", timeout or 0)
        return 0

    def terminate(self) -> None:
        """Ask it to end."""
        signal.pidfd_send_signal(self._handle, signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)


def _readable(handle: int, timeout: float | None) -> bool:
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(None if timeout is None else 1000 * timeout))


class Foundry:
    """The process, and the way to it; it ends with us."""

    @functools.cached_property
    def _orders(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [sys.executable, "-P", __file__, str(theirs.fileno()), " " * ROOM]
        with theirs:
            subprocess.Popen(line, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        return ours

    def launch(
        self, line: Sequence[str], log: IO[bytes], ready: int, environment: Mapping[str, str] | None
    ) -> Forked | subprocess.Popen[bytes]:
        """In place of `control.launch`."""
        if environment is not None or SERVER not in line:
            return AS_A_PROGRAM(line, log, ready, environment)
        order = {
            "line": list(line),
            "environment": dict(os.environ),
            "folder": os.getcwd(),
            "ready": ready,
        }
        socket.send_fds(self._orders, [json.dumps(order).encode()], [log.fileno(), ready])
        answer, handles, _, _ = socket.recv_fds(self._orders, 100, 1)
        return Forked(int(answer), handles[0])


def main() -> None:
    """Fork a sandbox for each order, until nobody can give one; then end those that run."""
    # Whoever ends the tests may end us as well, and the sandboxes are ours to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    orders = socket.socket(fileno=int(sys.argv[1]))
    for module in pkgutil.walk_packages(de_tasks.server.__path__, "de_tasks.server."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LOADED_LATE:
        importlib.import_module(name)
    from de_tasks.server.__main__ import main as serve
    from de_tasks.server.users import accounts

    # Each has four passwords hashed when it starts, which takes as long as all the rest.
    accounts.ARGON2ID = replace(accounts.ARGON2ID, memory_cost=8, time_cost=1)

    gc.collect()
    gc.freeze()
    running: set[int] = set()
    while True:
        text, handles, _, _ = socket.recv_fds(orders, 1 << 20, 2)
        with suppress(ChildProcessError):
            while ended := os.waitpid(-1, os.WNOHANG)[0]:
                running.discard(ended)
        if not text:
            for pid in running:
                os.kill(pid, signal.SIGTERM)
            return
        order = json.loads(text)
        if pid := os.fork():
            running.add(pid)
            # One that has ended at once is there until we ask for it.
            child = os.pidfd_open(pid)
            socket.send_fds(orders, [str(pid).encode()], [child])
            for handle in (*handles, child):
                os.close(handle)
            continue
        orders.close()
        sys.exit(serve(_become(order, *handles)))


def _become(order: dict[str, Any], log: int, ready: int) -> list[str]:
    """Be what `control.launch` would have started; returns the arguments of the program."""
    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for target in (1, 2):
        os.dup2(log, target)
    os.close(log)
    if ready != order["ready"]:
        os.dup2(ready, order["ready"])
        os.close(ready)
    os.set_inheritable(order["ready"], True)
    line = order["line"]
    _name("\0".join(line).encode())
    return list(line[line.index(SERVER) + 1 :])


def _name(line: bytes) -> None:
    """Write our command line where the system reads it, proc(5)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    ctypes.memmove(begin, line.ljust(end - begin, b"\0")[: end - begin], end - begin)


if __name__ == "__main__":
    main()
