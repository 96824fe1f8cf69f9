"""Processes of apps: each in a process group of its own, watched, its output logged."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from de_tasks.server.runtime import leash
from de_tasks.server.runtime.logs import LogFile, copy_lines

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
PIECE = 64 * 1024
STEADY = 30.0
"""A process that ran this many seconds has recovered: its backoff starts again."""


SIGN_IN = 'echo "+$$" >&0; exec "$@" </dev/null'
SIGN_IN_AND_READ = 'echo "+$$" >&2; exec "$@" 2>/dev/null'
"""What a process does before it becomes what it is to be: it tells the leash of itself, whose
pipe it finds as its input or its stderr. Were it done from outside, a kill could come before."""


class Leash:
    """The helper process that ends our process groups should we die.

    It holds the file descriptor `lock` until all of them have ended, so that what the file
    protects is not touched by the next server before.
    """

    def __init__(self, lock: int | None = None) -> None:
        self._helper = subprocess.Popen(
            [sys.executable, "-ISs", leash.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
        )

    async def start(
        self,
        *arguments: str,
        folder: Path | str,
        environment: Mapping[str, str],
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.STDOUT,
        **options: Any,
    ) -> asyncio.subprocess.Process:
        """Start a program without input, in a session of its own that is registered."""
        assert self._helper.stdin
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            SIGN_IN,
            "sh",
            *arguments,
            cwd=folder,
            env=environment,
            stdin=self._helper.stdin.fileno(),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            **options,
        )

    async def start_reader(
        self, *arguments: str, environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        """The same for a program that reads; what it says on stderr is not kept."""
        assert self._helper.stdin
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            SIGN_IN_AND_READ,
            "sh",
            *arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._helper.stdin.fileno(),
            start_new_session=True,
        )

    def add(self, group: int) -> None:
        """Register a process group that was started in another way."""
        self._tell(f"+{group}")

    def remove(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._tell(f"-{group}")

    def close(self) -> None:
        """Let the helper end what is left, and end."""
        assert self._helper.stdin
        self._helper.stdin.close()
        self._helper.wait(leash.GRACE + 5)

    def _tell(self, line: str) -> None:
        assert self._helper.stdin
        self._helper.stdin.write(line + "\n")
        self._helper.stdin.flush()


class Process:
    """One running command line, with everything that it starts."""

    def __init__(self, child: asyncio.subprocess.Process, log: LogFile, leash_: Leash) -> None:
        self._child = child
        self._log = log
        self._leash = leash_
        self.group = child.pid
        self.started = time.monotonic()
        self._reader = asyncio.create_task(self._read())
        self._ended = asyncio.create_task(self._watch())

    @classmethod
    async def start(
        cls, command: str, folder: Path, environment: dict[str, str], log: LogFile, leash_: Leash
    ) -> Process:
        """Run a Procfile command line through the shell, in a session of its own."""
        child = await leash_.start("/bin/sh", "-c", command, folder=folder, environment=environment)
        return cls(child, log, leash_)

    @property
    def exit_status(self) -> int | None:
        """The exit status of the command, None while it runs."""
        return self._child.returncode

    async def wait(self) -> int:
        """Wait for the command to end by itself; returns its exit status."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace: float) -> None:
        """Ask the whole group to end, kill what is left after `grace` seconds."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while leash.alive(self.group) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        self._signal(signal.SIGKILL)
        await asyncio.shield(self._ended)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.group, number)
        except ProcessLookupError:
            return

    async def _watch(self) -> int:
        status = await self._child.wait()
        # The leader is gone; whatever it left behind belongs to nobody now.
        self._signal(signal.SIGTERM)
        for _ in range(50):
            if not leash.alive(self.group):
                break
            await asyncio.sleep(0.02)
        self._signal(signal.SIGKILL)
        await self._reader
        self._leash.remove(self.group)
        return status

    async def _read(self) -> None:
        assert self._child.stdout
        await copy_lines(self._child.stdout, self._log)


class Supervised:
    """A process that is started again when it ends, later each time."""

    def __init__(self, start: Callable[[], Awaitable[Process]], log: LogFile) -> None:
        self.start = start
        self._log = log
        self.process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def keep(self, process: Process | None = None) -> None:
        """Begin, with a process that runs already or with a new one."""
        self.process = process
        self._keeper = asyncio.create_task(self._keep())

    @property
    def running(self) -> bool:
        """Whether the process is there at this moment."""
        return self.process is not None and self.process.exit_status is None

    @property
    def group(self) -> int | None:
        """The process group, None while there is none."""
        return self.process.group if self.process and self.running else None

    async def stop(self, grace: float) -> None:
        """Stop the process and do not start it again."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.process:
            await self.process.stop(grace)

    async def _keep(self) -> None:
        backoff = FIRST_BACKOFF
        while True:
            if self.process is None:
                self.process = await self.start()
            status = await self.process.wait()
            if time.monotonic() - self.process.started > STEADY:
                backoff = FIRST_BACKOFF
            self._log.append(f"[sandbox] {exit_words(status)}; starting again in {backoff:.0f} s")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)
            self.process = None


async def until_end(child: asyncio.subprocess.Process) -> int:
    """Wait for the end of a program; what it still prints is thrown away.

    As long as some of it is unread, asyncio may take a program that has ended for running.
    """
    while child.stdout and await child.stdout.read(PIECE):
        pass
    return await child.wait()


async def kill(child: asyncio.subprocess.Process) -> None:
    """Kill the process group of a program that was started in a session of its own."""
    if child.returncode is None:
        # It may have ended in this moment.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await until_end(child)


def exit_words(status: int) -> str:
    """`exited with status 1`, or the name of the signal that ended it."""
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exited with status {status}"


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
