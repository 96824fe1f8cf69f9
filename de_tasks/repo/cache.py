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

from de_tasks.errors import Temporary
from de_tasks.repo.git import SECONDS, Remote
from de_tasks.repo.snapshot import Deployed, LastDeploy, Snapshot, last_deploy
from de_tasks.repo.source import Commit

STALE_LOCKS = ("index.lock", "shallow.lock", "HEAD.lock")
BIG = 100 * 1000**2
"""Bytes; of a deploy above that, the largest files are named."""


class DeployRepository:
    """The repository from which one app of one host is deployed."""

    def __init__(self, cache: Path, host: str, app: str, big: int = BIG) -> None:
        key = hashlib.sha256(host.encode()).hexdigest()[:12]
        self._folder = cache / "deploy" / f"{app}-{key}.git"
        self._app = app
        self._big = big

    @contextmanager
    def snapshot(self, source: Path | Commit, tell: Callable[[str], None]) -> Iterator[Snapshot]:
        """Begin to read the files of `source`; the repository is ours until the end.

        Waits for another deploy of the same app from this machine, and tells for whose.
        However it ends, no git command goes on.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(tell), ThreadPoolExecutor(1) as beside:
            # Under our lock a lock file of git's is what a killed git left behind.
            for name in STALE_LOCKS:
                (self._folder / name).unlink(missing_ok=True)
            snapshot = Snapshot(self._folder, source, beside, self._big)
            try:
                yield snapshot
            finally:
                snapshot.end()

    def put_back(self, sha: str, remote: Remote, author: str, message: str) -> str:
        """Push the files of an earlier commit of the remote as a new commit; returns its hash."""
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(lambda text: None), ThreadPoolExecutor(1) as beside:
            snapshot = Snapshot(self._folder, Deployed(sha, remote), beside, self._big)
            try:
                return snapshot.put(remote, author, message, lambda line: None, again=True).sha
            finally:
                snapshot.end()

    def last(self) -> LastDeploy | None:
        """The last deploy from here, as far as this machine remembers."""
        return last_deploy(self._folder)

    @contextmanager
    def _locked(self, tell: Callable[[str], None]) -> Iterator[None]:
        lock = FileLock(f"{self._folder}.lock", mode=0o600)
        holder = Path(f"{self._folder}.holder")
        try:
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
            holder.write_text(f"{_user()}, process {os.getpid()}, since {since}", "utf-8")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container's user without a name.
        return f"user {os.getuid()}"
