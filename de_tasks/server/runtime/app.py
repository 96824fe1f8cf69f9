"""An app as far as its processes are concerned: what runs of it, from which release."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.processes import Supervised

WEB = "web"


@dataclass
class Instance:
    """One process of a release. `in_flight` counts the requests that it is answering."""

    port: int
    process: Supervised
    in_flight: int = 0


@dataclass
class Release:
    """A release that runs: its processes by type."""

    build_id: int
    environment: str
    instances: dict[str, list[Instance]]

    def pick(self) -> Instance | None:
        """The web process with the least to do, None when web is scaled to nothing."""
        return min(self.instances.get(WEB, []), key=lambda i: i.in_flight, default=None)

    @property
    def running(self) -> bool:
        """Whether a web process is there at this moment."""
        return any(instance.process.running for instance in self.instances.get(WEB, []))

    def others(self) -> list[Supervised]:
        """The processes that answer no requests."""
        return [i.process for kind, all_ in self.instances.items() if kind != WEB for i in all_]


@dataclass
class App:
    """An app, known from when it is first asked for. `starting` is the work of serving it again
    after a restart of the sandbox, until its release runs."""

    id: int
    name: str
    folder: Path
    logs: dict[str, LogFile] = field(default_factory=dict)
    current: Release | None = None
    starting: asyncio.Task[None] | None = None
    ending: set[asyncio.Task[None]] = field(default_factory=set)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    refresh: asyncio.Task[None] | None = None

    def release_folder(self, build_id: int) -> Path:
        """Where the files of a build are."""
        return self.folder / "releases" / str(build_id)

    async def started(self) -> None:
        """Wait until the sandbox's own start has come to this app."""
        while self.starting and not self.current:
            await asyncio.sleep(0.02)
