"""Processes of apps that are started again when they end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import NoReturn

from de_tasks.server.runtime.guarded import supervise
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.tree import Tree


class Supervised:
    """A process that is started again when it ends, later each time.

    `start` begins it anew. `log` hears of its ends.
    """

    def __init__(self, name: str, start: Callable[[], Awaitable[Tree]], log: LogFile) -> None:
        self.start = start
        self._name = name
        self._log = log
        self.process: Tree | None = None
        self._keeper: asyncio.Task[NoReturn] | None = None

    def keep(self, process: Tree | None = None) -> None:
        """Begin, with a process that runs already or with a new one."""
        if self._keeper:
            return
        self.process = process
        again = supervise(self._name, self._run, lambda text: self._log.append(f"[sandbox] {text}"))
        self._keeper = asyncio.create_task(again)

    @property
    def running(self) -> bool:
        """Whether the process is there at this moment."""
        return self.process is not None and self.process.exit_status is None

    @property
    def pid(self) -> int | None:
        """What the process and all that it started are below, None while there is none."""
        return self.process.pid if self.process and self.running else None

    async def stop(self, grace: float) -> None:
        """Stop the process and do not start it again."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.process:
            await self.process.stop(grace)

    async def _run(self) -> str:
        if self.process is None:
            self.process = await self.start()
        try:
            return exit_words(await self.process.wait())
        finally:
            if self.process.exit_status is not None:
                self.process = None


def exit_words(status: int, verb: str = "exited") -> str:
    """`exited with status 1`, or the name of the signal that ended it."""
    if status < 0:
        return f"ended by {_signal_name(-status)}"
    return f"{verb} with status {status}"


def _signal_name(number: int) -> str:
    """Its name; those for programs' own use have none (signal(7), real-time signals)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
