"""The deploy repository: one bare repository per (host, app) that keeps index and objects.

Only changed files are hashed and only new objects are sent. It is disposable: a damaged one
is thrown away and made again.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from de_tasks.config.system import remove_tree
from de_tasks.errors import Temporary
from de_tasks.repo.bare import Bare, LastDeploy, writing
from de_tasks.repo.files import BIG
from de_tasks.repo.git import SECONDS
from de_tasks.repo.snapshot import Made, Snapshot
from de_tasks.repo.source import Commit, Deployed


class DeployRepository:
    """The repository from which one app of one host is deployed; `made` makes files from others."""

    def __init__(
        self, cache: Path, host: str, app: str, big: int = BIG, made: Made | None = None
    ) -> None:
        key = hashlib.sha256(host.encode()).hexdigest()[:12]
        self._folder = cache / "deploy" / f"{app}-{key}.git"
        self._app = app
        self._big = big
        self._made = made

    @contextmanager
    def snapshot(
        self, source: Path | Commit | Deployed, tell: Callable[[str], None]
    ) -> Iterator[Snapshot]:
        """Begin to read the files of `source`; the repository is ours until the end.

        Waits for another deploy of the same app from this machine, and tells for whose; tells
        also why git does not say which commit the files come from. However it ends, no git
        command goes on. Raises `UsageError` when the cache folder cannot be written.
        """
        with self._locked(tell), ThreadPoolExecutor(1) as beside:
            snapshot = Snapshot(Bare(self._folder), source, beside, self._big, tell, self._made)
            try:
                yield snapshot
                snapshot.settle()
            finally:
                snapshot.end()

    def last(self) -> LastDeploy | None:
        """The last deploy from here, as far as this machine remembers."""
        return Bare(self._folder).last()

    def forget(self) -> None:
        """Delete the repository of an app that is gone; it was one of this machine only."""
        if self._folder.exists():
            with self._locked(lambda text: None):
                remove_tree(self._folder)

    @contextmanager
    def _locked(self, tell: Callable[[str], None]) -> Iterator[None]:
        lock = FileLock(f"{self._folder}.lock", mode=0o600)
        holder = Path(f"{self._folder}.holder")
        try:
            with writing(self._folder):
                self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock.acquire(timeout=0)
        except Timeout:
            try:
                who = holder.read_text("utf-8").strip()
            except OSError:
                who = "another process"
            tell(f"Waiting for another deploy of {self._app} from this machine: {who}")
            try:
                lock.acquire(timeout=SECONDS)
            except Timeout:
                raise Temporary(f"{who} has held {self._app} for too long. Try again") from None
        try:
            since = datetime.now().strftime("%H:%M:%S")
            with writing(self._folder):
                holder.write_text(f"{_user()}, process {os.getpid()}, since {since}", "utf-8")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # A user without a name: a container's, a service's.
        return "somebody"
