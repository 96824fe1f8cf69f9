"""Programs that run none of an app's code: each in a process group of its own, on the leash."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from de_tasks.server.runtime import leash
from de_tasks.server.runtime.output import LATE, PIECE

SIGN_IN = 'trap "" PIPE; echo "+$$" >&0; trap - PIPE; exec "$@" </dev/null'
SIGN_IN_AND_READ = 'trap "" PIPE; echo "+$$" >&2; trap - PIPE; exec "$@" 2>/dev/null'
"""What a process does before it becomes what it is to be: it tells the leash of itself, whose
pipe it finds as its input or its stderr. Were it done from outside, a kill could come before.
Without a leash it goes on all the same."""

logger = logging.getLogger(__name__)


class Leash:
    """The helper process that ends our process groups should we die.

    It holds the file descriptor `lock` until all of them have ended, so that what the file
    protects is not touched by the next server before. Should it be killed itself, there is
    another one at once.
    """

    def __init__(self, lock: int | None = None) -> None:
        self.lock = lock
        self._groups: set[int] = set()
        self._helper = self._start_helper()

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
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            SIGN_IN,
            "sh",
            *arguments,
            cwd=folder,
            env=environment,
            stdin=self._pipe,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            **options,
        )
        self._groups.add(child.pid)
        return child

    async def start_reader(
        self, *arguments: str, environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        """The same for a program that reads; what it says on stderr is not kept."""
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            SIGN_IN_AND_READ,
            "sh",
            *arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._pipe,
            start_new_session=True,
        )
        self._groups.add(child.pid)
        return child

    def add(self, group: int) -> None:
        """Register a process group that was started in another way."""
        self._groups.add(group)
        self._tell(f"+{group}")

    def remove(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._groups.discard(group)
        self._tell(f"-{group}")

    def close(self) -> None:
        """Let the helper end what is left, and end."""
        _stream(self._helper.stdin).close()
        try:
            self._helper.wait(leash.GRACE + 5)
        except subprocess.TimeoutExpired:
            # It was stopped; all of ours that it knew have been ended before.
            self._helper.kill()
            self._helper.wait()

    @property
    def _pipe(self) -> int:
        if self._helper.poll() is not None:
            self._renew()
        return _stream(self._helper.stdin).fileno()

    def _tell(self, line: str) -> None:
        try:
            os.write(self._pipe, f"{line}\n".encode())
        except OSError:
            # It is gone, or it was stopped and does not read any more.
            self._renew()

    def _start_helper(self) -> subprocess.Popen[bytes]:
        helper = subprocess.Popen(
            [sys.executable, "-ISs", leash.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=() if self.lock is None else (self.lock,),
        )
        os.set_blocking(_stream(helper.stdin).fileno(), False)
        with suppress(RuntimeError):
            # It says nothing: its output ends when it does.
            ends = _stream(helper.stdout).fileno()
            asyncio.get_running_loop().add_reader(ends, self._ended, helper)
        return helper

    def _ended(self, helper: subprocess.Popen[bytes]) -> None:
        with suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(_stream(helper.stdout).fileno())
        if helper is self._helper and not _stream(helper.stdin).closed:
            self._renew()

    def _renew(self) -> None:
        logger.warning("the leash was ended from outside: starting another one")
        old = self._helper
        old.kill()
        old.wait()
        for stream in (old.stdin, old.stdout):
            _stream(stream).close()
        self._helper = self._start_helper()
        for group in self._groups:
            os.write(_stream(self._helper.stdin).fileno(), f"+{group}\n".encode())


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream
    return stream


async def until_end(child: asyncio.subprocess.Process) -> None:
    """Wait for the end of a program, not for whoever else holds its pipe; what it still prints is
    thrown away.

    As long as some of it is unread, asyncio may take a program that has ended for running.
    """

    async def read() -> None:
        while child.stdout and await child.stdout.read(PIECE):
            pass
        await child.wait()

    reading = asyncio.create_task(read())
    while not reading.done() and child.returncode is None:
        await asyncio.wait({reading}, timeout=0.1)
    await asyncio.wait({reading}, timeout=LATE)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def kill(child: asyncio.subprocess.Process) -> None:
    """Kill the process group of a program that was started in a session of its own."""
    if child.returncode is None:
        # It may have ended in this moment.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await until_end(child)
