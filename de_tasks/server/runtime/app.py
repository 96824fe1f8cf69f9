"""An app as far as its processes are concerned: what runs of it, from which release."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.ports import Ports
from de_tasks.server.runtime.supervised import Standing, Supervised

WEB = "web"
WORST_FIRST = ("crashing", "exited", "starting", "running")


@dataclass
class Instance:
    """One process of a release. `in_flight` counts the requests that it is answering."""

    port: int
    process: Supervised
    ports: Ports
    in_flight: int = 0
    _ended: bool = False

    async def stop(self, grace: float) -> None:
        """End it for good; its port may be another's then."""
        await self.process.stop(grace)
        if not self._ended:
            self._ended = True
            self.ports.give_back(self.port)


@dataclass
class Release:
    """A release that runs: its processes by type."""

    build_id: int
    environment: str
    instances: dict[str, list[Instance]]

    def pick(self) -> Instance | None:
        """The web process with the least to do of those that run, None when none does."""
        running = (web for web in self.webs() if web.process.running)
        return min(running, key=lambda web: web.in_flight, default=None)

    @property
    def running(self) -> bool:
        """Whether a web process is there at this moment."""
        return any(web.process.running for web in self.webs())

    def webs(self) -> list[Instance]:
        """The processes that answer requests."""
        return self.instances.get(WEB, [])

    def others(self) -> list[Instance]:
        """The processes that answer none."""
        return [one for kind, all_ in self.instances.items() if kind != WEB for one in all_]

    def standing(self, kind: str) -> Standing:
        """How the processes of a type are doing: as the worst of them, with all their restarts."""
        all_ = [one.process.standing for one in self.instances[kind]]
        if not all_:
            return Standing("stopped", "")
        worst = min(all_, key=lambda one: WORST_FIRST.index(one.state))
        return replace(worst, restarts=sum(one.restarts for one in all_))

    async def stop(self, grace: float) -> None:
        """End all of it."""
        await asyncio.gather(*(one.stop(grace) for one in (*self.webs(), *self.others())))


@dataclass
class App:
    """An app, known from when it is first asked for. `starting` is the work of serving it again
    after a restart of the sandbox, until its release runs; `problem` is what went wrong with that,
    a sentence."""

    id: int
    name: str
    folder: Path
    logs: dict[str, LogFile] = field(default_factory=dict)
    current: Release | None = None
    starting: asyncio.Task[None] | None = None
    problem: str = ""
    ending: set[asyncio.Task[None]] = field(default_factory=set)
    replaced: list[Release] = field(default_factory=list)
    """Releases whose processes are being ended."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    refresh: asyncio.Task[None] | None = None

    def release_folder(self, build_id: int) -> Path:
        """Where the files of a build are."""
        return self.folder / "releases" / str(build_id)

    def in_use(self) -> set[int]:
        """The builds whose folders have processes of ours in them."""
        return {release.build_id for release in (self.current, *self.replaced) if release}

    async def started(self) -> None:
        """Wait until the sandbox's own start has come to this app, or has failed."""
        while self.starting and not self.current and not self.problem:
            await asyncio.sleep(0.02)
