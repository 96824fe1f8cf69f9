"""A developer's desk for tests of the deploy repository: a folder, a cache and a git server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from de_tasks.net.budget import Spending
from de_tasks.net.retry import Attempt, Policy
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.files import Files
from de_tasks.repo.remote import Remote
from de_tasks.repo.snapshot import Push, Pushed, Snapshot
from de_tasks.repo.source import Commit, Deployed
from tests.support.gitserver import GitServer

T = TypeVar("T")


@dataclass
class Caller:
    """Whom the server sees, without the platform behind it."""

    value: str
    seconds: float = 60.0

    def header(self) -> str:
        return self.value

    def act(self, function: Callable[[Attempt, Spending], T], points: int = 0) -> T:
        return Policy(sleep=lambda seconds: None).call(lambda this: function(this, Spending()))


@dataclass
class Desk:
    """What a test needs to deploy a folder. `told` is what was said, `progress` git's words."""

    server: GitServer
    folder: Path
    cache: Path
    told: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)

    @property
    def remote(self) -> Remote:
        """The way to the server."""
        return Remote(self.server.url, "master", Caller(self.server.header))

    @property
    def repository(self) -> DeployRepository:
        """The deploy repository."""
        return DeployRepository(self.cache, "example.plotly.host", "app", big=1000)

    @property
    def bare(self) -> Path:
        """Its folder."""
        (found,) = (self.cache / "deploy").glob("*.git")
        return found

    def push(self, message: str = "Deploy") -> Push:
        """A push of dev's."""
        return Push(self.remote, "dev", message, self.progress.append)

    def deploy(self, source: Path | Commit | Deployed | None = None) -> Pushed:
        """Deploy as the platform would have it: on top of what is there."""
        with self.repository.snapshot(source or self.folder, self.told.append) as snapshot:
            return snapshot.put(self.push())

    def redeploy(self) -> Pushed | None:
        """Deploy as somebody does whose last deploy is there."""
        last = self.repository.last()
        assert last
        with self.repository.snapshot(self.folder, self.told.append) as snapshot:
            snapshot.ask(self.remote)
            return snapshot.put_again(last, self.push())

    def files(self, source: Path | Commit | None = None) -> Files:
        """What would be deployed."""
        with self.repository.snapshot(source or self.folder, self.told.append) as snapshot:
            return snapshot.files()

    def using(self, use: Callable[[Snapshot], T]) -> T:
        """What a function makes of a snapshot of the folder."""
        with self.repository.snapshot(self.folder, self.told.append) as snapshot:
            return use(snapshot)

    def write(self, name: str, text: str = "text\n") -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
