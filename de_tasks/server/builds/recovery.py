"""After a restart of the sandbox: every app is served again, and pushed builds are finished.

The sandbox answers at once, however many apps it has: they are started meanwhile, those that
were visited last first and only some at a time, so that each is soon there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3

from de_tasks.errors import DeTasksError
from de_tasks.server.builds.queue import Builds
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.database import Database
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.folders import tidy
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.settings import ServerSettings

AT_ONCE = 2 * max(2, os.cpu_count() or 2)
"""Apps that are being started at a time."""

logger = logging.getLogger(__name__)


class Recovery:
    """Takes up what was there when the sandbox ended."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        repositories: Repositories,
        environments: Environments,
        releases: Releases,
        builds: Builds,
    ) -> None:
        self._settings = settings
        self._db = database
        self._repositories = repositories
        self._environments = environments
        self._releases = releases
        self._builds = builds
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tidying: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Begin; returns when every app that was served is about to be started."""
        self._remove_leftovers()
        self._db.execute("UPDATE builds SET status = 'queued' WHERE status = 'building'")
        rows = self._db.all(
            "SELECT apps.*, builds.environment FROM apps LEFT JOIN builds"
            " ON builds.id = apps.release ORDER BY visited DESC"
        )
        used = {path.name for path in (self._settings.data / "apps").glob("*")}
        for row in rows:
            # Most of many apps have neither files nor a release.
            if str(row["id"]) in used:
                app = self._releases.app(row["id"], row["name"])
                tidy(app, bool(row["persistent"]))
                if row["environment"]:
                    app.starting = asyncio.create_task(self._serve(app, row))
        await self._finish_builds({row["id"]: row for row in rows})
        self._tidying = asyncio.create_task(self._tidy())

    def stop(self) -> None:
        """Tidy no more."""
        if self._tidying:
            self._tidying.cancel()

    async def _tidy(self) -> None:
        """What killed pushes left behind takes space, also where nobody pushes any more."""
        for app_id in self._repositories.numbers():
            if self._repositories.path(app_id).exists():
                await self._repositories.ready(app_id)
            await asyncio.sleep(0)

    async def _serve(self, app: App, row: sqlite3.Row) -> None:
        try:
            async with self._slots:
                async with app.changing:
                    # A build may have been released meanwhile.
                    if app.current is None:
                        await self._releases.start(app, row["release"], row["environment"])
                await self._releases.listens(app)
        except (DeTasksError, OSError) as error:
            logger.error("app %s cannot be started: %s", app.name, error)
        finally:
            app.starting = None

    async def _finish_builds(self, rows: dict[int, sqlite3.Row]) -> None:
        last = {
            row["app_id"]: row
            for row in self._db.all(
                "SELECT app_id, sha, status FROM builds WHERE id IN"
                " (SELECT max(id) FROM builds GROUP BY app_id)"
            )
        }
        for app_id in sorted(self._repositories.numbers() & rows.keys()):
            row, build = rows[app_id], last.get(app_id)
            head = await self._repositories.head(app_id)
            if head and (build is None or build["sha"] != head):
                app = self._releases.app(app_id, row["name"])
                await self._builds.enqueue(app, head, row["owner"])
            elif build and build["status"] == "queued":
                self._builds.work(self._releases.app(app_id, row["name"]))

    def _remove_leftovers(self) -> None:
        """Files of what was being made or deleted when the sandbox ended."""
        ids = {str(row["id"]) for row in self._db.all("SELECT id FROM apps")}
        for folder in (self._settings.data / "apps", self._repositories.folder):
            for path in folder.glob("*"):
                if path.name.removesuffix(".git") not in ids:
                    shutil.rmtree(path, ignore_errors=True)
        self._environments.remove_unfinished()
