"""A command of an app with all that it starts, under a reaper of its own."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from de_tasks.errors import DeTasksError
from de_tasks.server.open_files import open_files
from de_tasks.server.runtime import reaper
from de_tasks.server.runtime.output import Output
from de_tasks.server.runtime.strays import VARIABLE, end_strays, new_mark

TOO_LARGE = (
    "The system takes no environment as large as the app's: remove some of its variables, or make "
    "their values shorter."
)
SLACK = 2.0
"""Seconds that a reaper may take longer than it was given."""


class Tree:
    """A command that runs. `pid` is its reaper's: whatever belongs to the command is below it."""

    def __init__(
        self, reaper_: asyncio.subprocess.Process, control: int, mark: str, output: Output
    ) -> None:
        self._reaper = reaper_
        self._control: int | None = control
        self._output = output
        self._mark = mark
        self._ended = asyncio.create_task(self._end(control))
        self.pid = reaper_.pid

    @classmethod
    async def start(
        cls,
        *words: str,
        folder: Path,
        environment: Mapping[str, str],
        hear: Callable[[list[str]], None],
        data: Path,
        lock: int | None,
    ) -> Tree:
        """Start a command without input; `hear` gets the lines that it prints.

        It ends with the sandbox of the directory `data`, whose descriptor `lock` is held as long.
        Raises `DeTasksError` where the system refuses its environment, else `OSError`.
        """
        mark = new_mark(data)
        files = str(open_files().before)
        command = [sys.executable, "-ISs", reaper.__file__, str(-1 if lock is None else lock)]
        output = Output(hear)
        told, control = os.pipe()
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                files,
                *words,
                cwd=folder,
                env={**environment, VARIABLE: mark},
                stdin=told,
                stdout=output.descriptor,
                stderr=output.descriptor,
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,
            )
        except BaseException as error:
            os.close(control)
            if isinstance(error, OSError) and error.errno == errno.E2BIG:
                raise DeTasksError(TOO_LARGE) from None
            raise
        finally:
            os.close(told)
            output.given()
        return cls(child, control, mark, output)

    @property
    def exit_status(self) -> int | None:
        """How the command ended, None while anything of it is there."""
        return self._reaper.returncode

    async def wait(self) -> int:
        """Wait for the end of everything; returns the command's exit status."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace: float) -> int:
        """Ask everything to end, and have it killed after so many seconds."""
        if self._control is not None:
            with suppress(OSError):
                os.write(self._control, f"{grace}\n".encode())
        try:
            async with asyncio.timeout(grace + reaper.STUBBORN + SLACK):
                return await self.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            return await self.wait()

    async def _end(self, control: int) -> int:
        try:
            status = await self._reaper.wait()
            # Only a reaper that was killed itself leaves any.
            await asyncio.to_thread(end_strays, self._mark)
            await self._output.end()
            return status
        finally:
            # Its number is somebody else's from here on: a visitor's connection, or a file.
            self._control = None
            os.close(control)
