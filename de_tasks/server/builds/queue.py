"""Builds: what was pushed becomes a release, one at a time per app."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from pathlib import Path

from de_tasks.appspec import Procfile
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.database import Database, timestamp
from de_tasks.server.files import remove_tree
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.folders import RELEASES_KEPT, prune
from de_tasks.server.runtime.logs import LogFile, Pulse
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.settings import ServerSettings

READ_BY_US = ("Procfile", "requirements.txt", "runtime.txt")

logger = logging.getLogger(__name__)


class Builds:
    """The build queue of a sandbox."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        repositories: Repositories,
        environments: Environments,
        releases: Releases,
    ) -> None:
        self._settings = settings
        self._db = database
        self._repositories = repositories
        self._environments = environments
        self._releases = releases
        self._slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._logs: dict[int, LogFile] = {}
        self._changes: dict[int, Pulse] = {}

    async def enqueue(self, app: App, sha: str, pushed_by: str) -> int:
        """Queue a build of a pushed commit; returns its number."""
        commit = await self._repositories.commit(app.id, sha)
        build_id = self._db.execute(
            "INSERT INTO builds (app_id, sha, message, author, committed, pushed_by, status,"
            " queued_at) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)",
            app.id,
            sha,
            commit.message,
            commit.author,
            commit.date,
            pushed_by,
            timestamp(),
        )
        subject = commit.message.partition("\n")[0]
        self.log(app, build_id).append(f"-----> Build {build_id} of {app.name}: {subject}")
        self.changed(app.id).fire()
        self.work(app)
        return build_id

    def last(self, app_id: int) -> sqlite3.Row | None:
        """The newest build of an app."""
        return self._db.find(
            "SELECT * FROM builds WHERE app_id = ? ORDER BY id DESC LIMIT 1", app_id
        )

    def log(self, app: App, build_id: int) -> LogFile:
        """The log of a build."""
        if build_id not in self._logs:
            path = app.folder / "logs" / f"build-{build_id}.log"
            self._logs[build_id] = LogFile(path, self._settings.log_limit)
        return self._logs[build_id]

    def changed(self, app_id: int) -> Pulse:
        """Fires whenever the state of one of the app's builds changes."""
        return self._changes.setdefault(app_id, Pulse())

    async def stop(self, app_id: int | None = None) -> None:
        """End the work on one app's builds, or on all; what is unfinished stays queued."""
        ids = list(self._workers) if app_id is None else [app_id]
        workers = [self._workers.pop(i) for i in ids if i in self._workers]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def work(self, app: App) -> None:
        """Build what is queued of an app."""
        worker = self._workers.get(app.id)
        if worker is None or worker.done():
            self._workers[app.id] = asyncio.create_task(self._work_off(app))

    async def _work_off(self, app: App) -> None:
        while True:
            row = self._db.find(
                "SELECT * FROM builds WHERE app_id = ? AND status = 'queued' ORDER BY id", app.id
            )
            if row is None:
                return
            async with self._slots:
                await self._build(app, row)

    async def _build(self, app: App, row: sqlite3.Row) -> None:
        build_id: int = row["id"]
        log = self.log(app, build_id)
        self._forget_logs(app, build_id)
        self._set(app, build_id, status="building", started_at=timestamp())
        try:
            await self._release(app, row, log)
        except DeTasksError as error:
            await self._fail(app, build_id, str(error))
        except OSError as error:
            await self._fail(
                app, build_id, f"The sandbox could not build: {error.strerror or error}."
            )
        except Exception:
            logger.exception("build %s of %s", build_id, app.name)
            await self._fail(app, build_id, "The sandbox has an error of its own; see server.log.")

    async def _release(self, app: App, row: sqlite3.Row, log: LogFile) -> None:
        build_id: int = row["id"]
        folder = app.release_folder(build_id)
        await remove_tree(folder)
        count = await self._repositories.check_out(app.id, row["sha"], folder)
        log.append(f"       {count} {'file' if count == 1 else 'files'} at {row['sha'][:7]}")
        check_links(folder)
        procfile = Procfile.read(folder)
        (number,) = self._db.one("SELECT cache_number FROM apps WHERE id = ?", app.id)
        # `purgeCache` counts the number up, so that nothing that was kept is used again.
        purged = f"{app.id}:{number}" if number > 1 else ""
        environment = await self._environments.provide(folder, row["sha"], purged, log.append)
        self._set(app, build_id, environment=environment)
        async with app.changing:
            switch = await self._releases.deploy(app, build_id, environment, log.append)
            with self._db.transaction():
                self._db.execute("UPDATE apps SET release = ? WHERE id = ?", build_id, app.id)
                log.append(f"       Processes: {', '.join(procfile.commands)}")
                log.append(f"-----> Released: {self._settings.apps_url}/{app.name}/")
                self._set(app, build_id, status="built", finished_at=timestamp())
            switch()
        self.changed(app.id).fire()
        await asyncio.to_thread(prune, app)
        await self._prune_environments()

    async def _fail(self, app: App, build_id: int, reason: str) -> None:
        log = self.log(app, build_id)
        log.append(f" !     {reason}")
        row = self._db.one("SELECT release FROM apps WHERE id = ?", app.id)
        if row["release"]:
            log.append(f" !     Build failed. Release {row['release']} goes on serving.")
        else:
            log.append(" !     Build failed.")
        await remove_tree(app.release_folder(build_id))
        self._set(app, build_id, status="failed", error=reason, finished_at=timestamp())

    def _set(self, app: App, build_id: int, **values: str) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE builds SET {columns} WHERE id = ?", *values.values(), build_id)
        self.changed(app.id).fire()

    def _forget_logs(self, app: App, build_id: int) -> None:
        """Only the last build's log is kept, as on the platform."""
        for path in (app.folder / "logs").glob("build-*.log*"):
            number = int(path.name.split("-")[1].split(".")[0])
            if number < build_id:
                old = self._logs.pop(number, None)
                if old:
                    old.close()
                path.unlink(missing_ok=True)

    async def _prune_environments(self) -> None:
        rows = self._db.all(
            "SELECT environment FROM builds WHERE environment IS NOT NULL AND ("
            "status IN ('queued', 'building') OR id IN (SELECT release FROM apps) OR"
            " (SELECT count(*) FROM builds newer"
            "  WHERE newer.app_id = builds.app_id AND newer.id > builds.id) < ?)",
            RELEASES_KEPT,
        )
        await self._environments.prune({row["environment"] for row in rows})

    async def changed_or_logged(self, app: App, build_id: int, seconds: float) -> None:
        """Wait for a new state of the app's builds or a new line in this build's log."""
        waits = (self.changed(app.id).wait(seconds), self.log(app, build_id).changed.wait(seconds))
        tasks = [asyncio.create_task(wait) for wait in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def check_links(folder: Path) -> None:
    """Raise `UsageError` where a file that the sandbox itself reads is a link out of the app's
    folder: what it finds wrong in the file it would show in the build's log."""
    for name in READ_BY_US:
        path = folder / name
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{name} is a link that leaves the app's folder.")
