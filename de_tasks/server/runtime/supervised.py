"""Processes of apps that are started again when they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

from de_tasks.health.causes import exit_words
from de_tasks.server.database import timestamp
from de_tasks.server.runtime.guarded import STEADY, reason, supervise
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.tree import Tree


@dataclass(frozen=True)
class Standing:
    """How a process is doing: `state` is starting, running, crashing or exited, `since` a time as
    the API writes it.

    It is crashing from when it first ended soon after a start until it has run for a while again,
    also while it runs in between; exited while it waits to be started after it had run longer.
    """

    state: str
    since: str
    restarts: int = 0
    last_exit: str | None = None


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
        self._starts = 0
        self._began = time.monotonic()
        self._began_at = timestamp()
        self._last_exit: str | None = None
        self._ended_at = ""
        self._crashing_since = ""

    def keep(self, process: Tree | None = None) -> None:
        """Begin, with a process that runs already or with a new one."""
        if self._keeper:
            return
        self.process = process
        if process:
            self._started()
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

    @property
    def standing(self) -> Standing:
        """How it is doing."""
        restarts = max(0, self._starts - 1)
        steady = self.running and time.monotonic() - self._began > STEADY
        if self._crashing_since and not steady:
            return Standing("crashing", self._crashing_since, restarts, self._last_exit)
        if self.running:
            return Standing("running", self._began_at, restarts, self._last_exit)
        if self._ended_at:
            return Standing("exited", self._ended_at, restarts, self._last_exit)
        return Standing("starting", self._began_at)

    async def stop(self, grace: float) -> None:
        """Stop the process and do not start it again."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self.process:
            await self.process.stop(grace)

    async def _run(self) -> str:
        if self.process is None:
            self._started()
            try:
                self.process = await self.start()
            except Exception as error:
                self._ended(f"cannot be started: {reason(error)}")
                raise
        try:
            words = exit_words(await self.process.wait())
            self._ended(words)
            return words
        finally:
            if self.process.exit_status is not None:
                self.process = None

    def _started(self) -> None:
        self._starts += 1
        self._began, self._began_at = time.monotonic(), timestamp()

    def _ended(self, words: str) -> None:
        self._last_exit, self._ended_at = words, timestamp()
        soon = time.monotonic() - self._began <= STEADY
        self._crashing_since = (self._crashing_since or self._ended_at) if soon else ""
