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
from contextlib import suppress

from de_tasks.server.builds.queue import Builds
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.database import Database
from de_tasks.server.runtime.app import WEB, App
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.folders import tidy
from de_tasks.server.runtime.guarded import at_most_logged, reason, until_done
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.runtime.strays import end_strays, mark_of
from de_tasks.server.settings import ServerSettings

AT_ONCE = 2 * max(2, os.cpu_count() or 2)
"""Apps that are being started at a time."""
LONGEST_TURN = 5.0
"""Seconds for which the next one waits for an app to listen."""

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
        """Begin; returns when every app that was served is about to be started.

        What is wrong with one app is its own problem, and keeps no other from being served.
        """
        await at_most_logged("leftovers", asyncio.to_thread(self._remove_leftovers, self._ids()))
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
                wrong = self._tidy_files(app, bool(row["persistent"]))
                if row["environment"]:
                    app.starting = asyncio.create_task(self._serve(app, row, wrong))
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
                ready = self._repositories.ready(app_id)
                await at_most_logged(f"repository {app_id}", ready)
            await asyncio.sleep(0)

    def _tidy_files(self, app: App, persistent: bool) -> str:
        """What is wrong with the files of an app, which is served all the same."""
        try:
            tidy(app, persistent)
        except Exception as error:
            self._failed(app, reason(error))
        return app.problem

    async def _serve(self, app: App, row: sqlite3.Row, wrong: str) -> None:
        try:
            await until_done(
                f"start of {app.name}",
                lambda: self._start(app, row),
                lambda why: self._failed(app, why),
            )
            app.problem = wrong
        finally:
            app.starting = None

    async def _start(self, app: App, row: sqlite3.Row) -> None:
        async with self._slots:
            async with app.changing:
                # A build may have been released meanwhile.
                if app.current is None:
                    await self._releases.start(app, row["release"], row["environment"])
            # One that never listens does not keep the others waiting.
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_TURN):
                    await self._releases.listens(app)

    def _failed(self, app: App, why: str) -> None:
        if app.current is None:
            app.problem = why
        logger.error("app %s: %s", app.name, why)
        self._releases.log(app, WEB).append(f"[sandbox] after the sandbox's start: {why}")

    async def _finish_builds(self, rows: dict[int, sqlite3.Row]) -> None:
        last = {
            row["app_id"]: row
            for row in self._db.all(
                "SELECT app_id, sha, status FROM builds WHERE id IN"
                " (SELECT max(id) FROM builds GROUP BY app_id)"
            )
        }
        for app_id in sorted(self._repositories.numbers() & rows.keys()):
            finish = self._finish_build(rows[app_id], last.get(app_id))
            await at_most_logged(f"builds of {rows[app_id]['name']}", finish)

    async def _finish_build(self, row: sqlite3.Row, build: sqlite3.Row | None) -> None:
        app = self._releases.app(row["id"], row["name"])
        if build and build["status"] == "queued":
            self._builds.work(app)
        head = await self._repositories.head(row["id"])
        if head and (build is None or build["sha"] != head):
            await self._builds.enqueue(app, head, row["owner"])

    def _ids(self) -> set[str]:
        return {str(row["id"]) for row in self._db.all("SELECT id FROM apps")}

    def _remove_leftovers(self, ids: set[str]) -> None:
        """Processes that a reaper lost, and files of what was being made or deleted when the
        sandbox ended."""
        end_strays(mark_of(self._settings.data))
        for folder in (self._settings.data / "apps", self._repositories.folder):
            for path in folder.glob("*"):
                if path.name.removesuffix(".git") not in ids:
                    shutil.rmtree(path, ignore_errors=True)
        self._environments.remove_unfinished()
