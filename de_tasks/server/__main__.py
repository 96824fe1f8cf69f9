"""`python -m de_tasks.server --data DIR`: run a sandbox in the foreground.

`inv sandbox.start` runs this detached, with `--ready-fd` to hear when it answers or why not.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import logging
import os
import shutil
import socket
import sqlite3
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import IO, Any

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server import as_version
from de_tasks.server.alive import runs
from de_tasks.server.control import take
from de_tasks.server.runtime.reaper import GRACE, STUBBORN
from de_tasks.server.sandbox import serve
from de_tasks.server.server_log import ServerLog
from de_tasks.server.settings import PLATFORM_HOST, ServerSettings

ATTEMPTS = 5
"""To find a port that is free for IPv4 and for IPv6."""
LEAST_ROOM = 1024**2
"""Bytes; with less than that a database error is taken for a full disk."""


class Taken(DeTasksError):
    """The data directory is another sandbox's."""


def main(argv: list[str] | None = None) -> int:
    """Run until a signal; returns the exit code."""
    arguments = _parse(argv)
    ready: int | None = arguments.pop("ready_fd")
    settings = ServerSettings(**arguments)
    logging.basicConfig(level=logging.INFO, handlers=[ServerLog(settings.data)])
    try:
        lock = lock_data(settings.data)
        with lock:
            version = as_version.settle(settings.data, settings.as_version)
            settings = replace(settings, as_version=version)
            sockets = listen(settings.port)
            settings = replace(settings, port=sockets[0].getsockname()[1])
            asyncio.run(serve(settings, sockets, ready, lock.fileno()))
    except (DeTasksError, OSError, sqlite3.Error) as error:
        problem = explain(error, settings)
        # First the pipe: writing the log may fail for the same reason, a full disk.
        if ready is not None:
            taken = isinstance(problem, Taken)
            told = {"error": str(problem), "code": problem.code, "taken": taken}
            os.write(ready, json.dumps(told).encode())
        print(problem, file=sys.stderr)
        return problem.code
    return 0


def lock_data(data: Path) -> IO[str]:
    """Make the data directory ours alone: a lock that ends with this process and its apps.

    When the sandbox that had it was killed, its apps are given the time to end.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    data.chmod(0o700)
    stream = (data / "lock").open("a+")
    deadline = time.monotonic() + GRACE + STUBBORN
    while not take(stream):
        stream.seek(0)
        if _runs(stream.read()) or time.monotonic() > deadline:
            stream.close()
            raise Taken(f"A sandbox is already running on {data}.")
        time.sleep(0.02)
    try:
        ours = os.path.samestat(os.fstat(stream.fileno()), (data / "lock").stat())
    except FileNotFoundError:
        ours = False
    if not ours:
        # The directory was being deleted: what we have locked is no more.
        stream.close()
        return lock_data(data)
    stream.truncate(0)
    print(os.getpid(), file=stream, flush=True)
    return stream


def _runs(pid: str) -> bool:
    return pid.strip().isdecimal() and runs(int(pid))


def listen(port: int) -> list[socket.socket]:
    """Listening sockets on loopback, for IPv4 and, where there is one, for IPv6.

    Browsers try `::1` first for `localhost`, where the apps are. Port 0 takes any that is
    free. Raises `OSError` when the port is taken.
    """
    for attempt in range(ATTEMPTS):
        sockets = [_bind(socket.AF_INET, PLATFORM_HOST, port)]
        try:
            sockets.append(_bind(socket.AF_INET6, "::1", sockets[0].getsockname()[1]))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                sockets[0].close()
                if port or attempt == ATTEMPTS - 1:
                    raise
                # What is free for IPv4 may be taken for IPv6: let the system choose again.
                continue
        break
    return sockets


def explain(error: Exception, settings: ServerSettings) -> DeTasksError:
    """The sentence for a sandbox that cannot start or go on."""
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return DeTasksError(
            f"Port {settings.port} is taken by another program. "
            "Choose another one with --port, or --port 0 for any that is free"
        )
    if number == errno.EACCES and settings.port < 1024:
        return UsageError(f"Port {settings.port} is for administrators: choose one above 1023.")
    # SQLite reports a full disk as an "I/O error" where its shared memory cannot grow.
    full = isinstance(error, sqlite3.Error) and shutil.disk_usage(settings.data).free < LEAST_ROOM
    if full or number in (errno.ENOSPC, errno.EDQUOT):
        return DeTasksError(
            f"The disk is full: the sandbox cannot write to {settings.data}. "
            "Make room, or name another directory with --data"
        )
    if isinstance(error, DeTasksError):
        return error
    if isinstance(error, sqlite3.Error):
        return DeTasksError(
            f"{settings.data / 'sandbox.sqlite3'} cannot be used: {error}. "
            "`inv sandbox.reset` starts anew with an empty one"
        )
    return DeTasksError(f"The sandbox cannot use {settings.data}: {error}")


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(1024)
    except OSError:
        sock.close()
        raise
    return sock


def _parse(argv: list[str] | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m de_tasks.server", description=__doc__)
    for field in fields(ServerSettings):
        flag = "--" + field.name.replace("_", "-")
        if field.name == "data":
            parser.add_argument(flag, type=Path, required=True)
        elif field.name == "allow_mount":
            parser.add_argument(flag, type=_folder, action="append", default=[])
        elif isinstance(field.default, bool):
            switch = argparse.BooleanOptionalAction
            parser.add_argument(flag, action=switch, default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)
    parser.add_argument("--ready-fd", type=int)
    found = vars(parser.parse_args(argv))
    return {**found, "allow_mount": tuple(found["allow_mount"])}


def _folder(text: str) -> Path:
    return Path(text).resolve()


if __name__ == "__main__":
    sys.exit(main())
