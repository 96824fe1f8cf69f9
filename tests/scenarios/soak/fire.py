"""Kill, start, look: one round after the other."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server import control
from tests.scenarios.soak import invariants
from tests.scenarios.soak.actors import Actor, Maker, Pusher, Servicer, Updater, Visitor
from tests.scenarios.soak.api import Api, Gone, Wrong
from tests.support import ports

POINTS = 10**9
LONGEST = 3.0
"""Seconds that a round works at most before the kill."""


class Fire:
    """A sandbox with its clients. `say` hears of each round."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._data, self._temporary = folder / "data", folder / "tmp"
        self._port = 0
        self._temporary.mkdir()
        self._pushers = [Pusher(folder, name) for name in ("one", "two")]
        self._actors: list[Actor] = [
            *self._pushers,
            Updater("one"),
            Maker("made"),
            Servicer("one", "redis"),
            Servicer("two", "postgres"),
            Visitor(),
        ]
        self._running: control.Running | None = None
        self.kills = 0

    def rounds(self, kills: int) -> Generator[str]:
        """Kill that many times; yields what is found wrong."""
        with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
            patch.setenv("TMPDIR", str(self._temporary))
            # Nobody may take it while the sandbox is not there.
            self._port = stack.enter_context(ports.held())
            stack.callback(self._end)
            yield from self._look()
            while self.kills < kills:
                yield from self._work(random.random() * LONGEST)
                # After the last kill too: a start clears away what it left in temporary folders.
                yield from self._look()

    def _look(self) -> Iterator[str]:
        """Start, and say what is not as it should be."""
        running = self._running = self._start()
        yield from (f"kill {self.kills}: {wrong}" for wrong in self._wrong(running))

    def _wrong(self, running: control.Running) -> Iterator[str]:
        api = Api(running)
        for pusher in self._pushers:
            yield from pusher.serves(api)
        yield from invariants.come_to_rest(self._data)
        for actor in self._actors:
            try:
                yield from actor.check(api)
            except (Gone, Wrong) as error:
                yield f"{type(actor).__name__}: {type(error).__name__} {error}"
        yield from invariants.come_to_rest(self._data)
        yield from invariants.files(self._data)
        yield from invariants.processes(running)
        yield from invariants.temporary(self._temporary)

    def _work(self, seconds: float) -> Iterator[str]:
        """Let everybody work, and kill."""
        assert self._running
        api = Api(self._running)
        over, wrong = threading.Event(), list[str]()
        full = random.random() < 0.3

        def act(actor: Actor) -> None:
            try:
                while not over.is_set():
                    actor.work(api)
            except Gone as error:
                if not over.is_set():
                    words = f"no answer, though nobody was killed: {error}"
                    wrong.append(f"{type(actor).__name__}: {words}")
            except Wrong as error:
                if over.is_set() and full:
                    return
                wrong.append(f"{type(actor).__name__}: {error}")

        threads = [threading.Thread(target=act, args=[actor]) for actor in self._actors]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        if random.random() < 0.3:
            wrong += self._reset_while_hung(api.running)
        over.set()
        if full:
            wrong += self._fill_disk(api.running)
        self._kill(api.running.pid)
        for thread in threads:
            thread.join()
        yield from (f"kill {self.kills}: {text}" for text in wrong)

    def _reset_while_hung(self, running: control.Running) -> Iterator[str]:
        """A sandbox that does not answer for a moment keeps its data."""
        os.kill(running.pid, signal.SIGSTOP)
        try:
            control.reset(self._data)
            yield "the data of a sandbox that was busy were deleted"
        except DeTasksError:
            pass
        finally:
            os.kill(running.pid, signal.SIGCONT)

    def _fill_disk(self, running: control.Running) -> Iterator[str]:
        """Let the server write to no file for a moment; its builds end all the same."""
        before = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
        for pusher in self._pushers:
            pusher.doubt()
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        time.sleep(random.random())
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, before)
        yield from invariants.come_to_rest(self._data)

    def _start(self) -> control.Running:
        """Start it; sometimes kill it while it starts."""
        options = {"port": self._port, "rate_limit_points": POINTS}
        while self.kills and random.random() < 0.2:
            child = subprocess.Popen(
                control.command(self._data, options),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(random.random() * 1.5)
            self._kill(child.pid)
            child.wait()
        return control.start(self._data, options)

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass
        self.kills += 1
        self._say(f"killed {self.kills} times")

    def _end(self) -> None:
        if self._running and control.find(self._data):
            control.stop(self._running)
