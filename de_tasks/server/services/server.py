"""A database server as a process: started, watched, started again when it ends."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from de_tasks.errors import DeTasksError
from de_tasks.health.causes import exit_words
from de_tasks.server.files import write_private
from de_tasks.server.runtime import leash
from de_tasks.server.runtime.guarded import supervise, until_done
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.output import Output
from de_tasks.server.runtime.ports import is_free
from de_tasks.server.runtime.processes import Leash, until_end
from de_tasks.server.services.machine import end_processes

PORTS = range(20000, 32768)
"""Below the ports that systems hand out for outgoing connections: one of those could take a
server's port, even a client that calls in vain and by chance from that port (TCP self-connect)."""
START_TIMEOUT = 60.0
STOP_GRACE = 10.0
FIRST_BACKOFF, LONGEST_BACKOFF = 0.25, 30.0
FAILURES = 3
LOG_LIMIT = 1024**2


class DatabaseError(DeTasksError):
    """There is no such database, or its server does not run; the message says why."""


@dataclass(frozen=True)
class Command:
    """A command line with all that a process is given. It inherits nothing else."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str = "/"
    descriptors: tuple[int, ...] = ()
    user: int | None = None

    async def start(self, leash_: Leash, stdout: int) -> asyncio.subprocess.Process:
        """Start it without input; stderr goes where stdout goes."""
        return await leash_.start(
            *self.arguments,
            folder=self.folder,
            environment=self.environment,
            stdout=stdout,
            **self._options(),
        )

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"pass_fds": self.descriptors}
        if self.user is not None:
            options |= {"user": self.user, "group": self.user, "extra_groups": []}
        return options

    async def run(self, leash_: Leash, timeout: float, stdin: str = "") -> tuple[int, str]:
        """Exit status and output. Raises `DatabaseError` when it takes too long."""
        name = Path(self.arguments[0]).name
        try:
            child = await asyncio.create_subprocess_exec(
                *self.arguments,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._options(),
            )
        except OSError as error:
            raise DatabaseError(f"{name} cannot be started: {error}") from None
        leash_.add(child.pid)
        try:
            async with asyncio.timeout(timeout):
                output, _ = await child.communicate(stdin.encode())
        except TimeoutError:
            raise DatabaseError(f"{name} did not finish within {timeout:.0f} s.") from None
        finally:
            if child.returncode is None:
                _signal(child.pid, signal.SIGKILL)
                await until_end(child)
            leash_.remove(child.pid)
        return child.returncode or 0, output.decode("utf-8", "replace")


class Server(ABC):
    """One server process that keeps its port."""

    title: str
    """What people call it."""
    names: tuple[str, ...]
    """The process names (`comm`) of the server."""
    end_signal: signal.Signals
    """Asks for a clean shutdown without waiting for clients to leave."""

    def __init__(self, folder: Path, leash_: Leash) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = 0
        self.leash = leash_
        self._lock = asyncio.Lock()
        self._ready = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._failures = 0
        self._stops = 0

    async def prepare(self) -> None:
        """Whatever must be there before the server is started for the first time."""
        return

    @abstractmethod
    def command(self) -> Command:
        """How to start the server on `self.port`."""

    @abstractmethod
    async def answers(self, pid: int) -> bool:
        """Whether the server that runs as `pid` takes requests."""

    @property
    def running(self) -> bool:
        """Whether the server takes requests at this moment."""
        return self._ready.is_set()

    @property
    def log_path(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    async def start(self) -> None:
        """Start the server unless it runs; it takes requests when this returns.

        Raises `DatabaseError` when it ends again and again, or takes longer than a minute.
        """
        async with self._lock:
            stops = self._stops
            if self._keeper is None or self._keeper.done():
                await end_processes(self.data, self.names)
                await self.prepare()
                await self._choose_port()
                if self._stops != stops:
                    raise DatabaseError(f"{self.title} was stopped.")
                self._failures = 0
                self._keeper = asyncio.create_task(self._keep())
            deadline = time.monotonic() + START_TIMEOUT
            failed = self._failures + FAILURES
            keeper = self._keeper
            while not (self.running or keeper.done() or time.monotonic() > deadline):
                if self._failures >= failed:
                    await self.stop()
                    stops = self._stops
                await asyncio.sleep(0.01)
        if self._stops != stops:
            raise DatabaseError(f"{self.title} was stopped.")
        if not self.running:
            raise DatabaseError(f"{self.title} does not start: read {self.log_path}")

    async def stop(self) -> None:
        """Shut the server down and do not start it again."""
        self._stops += 1
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _keep(self) -> None:
        log = LogFile(self.log_path, LOG_LIMIT)
        try:
            await supervise(
                self.title,
                lambda: self._run(log),
                lambda text: log.append(f"[sandbox] {text}"),
                FIRST_BACKOFF,
                LONGEST_BACKOFF,
            )
        finally:
            log.close()

    async def _run(self, log: LogFile) -> str:
        try:
            return exit_words(await self._serve(log))
        finally:
            self._failures += 1

    async def _serve(self, log: LogFile) -> int:
        output = Output(lambda lines: log.append("\n".join(lines)))
        try:
            try:
                child = await self.command().start(self.leash, output.descriptor)
            finally:
                output.given()
            return await self._watch(child)
        finally:
            await output.end()

    async def _watch(self, child: asyncio.subprocess.Process) -> int:
        probe = until_done(f"whether {self.title} answers", lambda: self._probe(child.pid))
        prober = asyncio.create_task(probe)
        try:
            return await child.wait()
        finally:
            prober.cancel()
            self._ready.clear()
            await self._end(child)
            self.leash.remove(child.pid)

    async def _probe(self, pid: int) -> None:
        while not await self.answers(pid):
            await asyncio.sleep(0.02)
        self._ready.set()

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        for number, grace in ((self.end_signal, STOP_GRACE), (signal.SIGKILL, 1)):
            if child.returncode is None:
                _signal(child.pid, number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), grace)
        # What its leader left behind of the group, such as a child that rewrites a file.
        _signal(child.pid, signal.SIGKILL)
        # Backends of PostgreSQL are sessions of their own: the group's end is not theirs.
        await end_processes(self.data, self.names, grace=1)

    async def _choose_port(self) -> None:
        # Apps hold the port, so it changes only when a sandbox starts and finds it taken; not
        # at once, for the server of a killed sandbox may still be on its way out.
        file = self.folder / "port"
        try:
            self.port = int(file.read_text())
        except (OSError, ValueError):
            self.port = 0
        deadline = time.monotonic() + leash.GRACE + 1
        while self.port and time.monotonic() < deadline:
            if is_free(self.port):
                return
            await asyncio.sleep(0.05)
        candidates = random.sample(PORTS, 100)
        self.port = next(filter(is_free, candidates), 0)
        if not self.port:
            raise DatabaseError(f"There is no free port for {self.title}.")
        write_private(file, f"{self.port}\n")


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
