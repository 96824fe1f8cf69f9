"""Builds: what was pushed becomes a release, one at a time per app."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from de_tasks.appspec import Procfile
from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.server.builds import read
from de_tasks.server.builds.checkout import Checkouts
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.builds.turns import Turns
from de_tasks.server.builds.unattached import unattached
from de_tasks.server.builds.unread import unread
from de_tasks.server.database import Database, timestamp
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.folders import RELEASES_KEPT, build_logs, prune
from de_tasks.server.runtime.guarded import at_most_logged, until_done
from de_tasks.server.runtime.logs import LogFile, Pulse
from de_tasks.server.runtime.redaction import Redaction
from de_tasks.server.runtime.releases import NotStarted, Releases
from de_tasks.server.settings import ServerSettings

FINISHED = ("built", "failed")
"""States of a build that has ended; one that was cancelled has failed, and says by whom."""
LONGEST_REASON = 1000
"""Characters of the reason why a build failed: an app's message may have a whole document in it."""
READ_BY_US = (
    "Procfile",
    "requirements.txt",
    "runtime.txt",
    "project.toml",
    "Aptfile",
    "DOKKU_SCALE",
)

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
        app_settings: AppSettings,
    ) -> None:
        self._settings = settings
        self._db = database
        self._repositories = repositories
        self._checkouts = Checkouts(repositories)
        self._environments = environments
        self._releases = releases
        self._app_settings = app_settings
        # A user alone has as many as the machine has processors; there is always one for others.
        places = max(2, os.cpu_count() or 2)
        self._turns = Turns("builds", most=places + 1, each=places)
        # What is installed comes over the network: that takes its time, and little of ours.
        self._installs = Turns("installs", most=2 * places, each=places)
        self._workers: dict[int, asyncio.Task[None]] = {}
        # The build that is at work for each app, and who has cancelled one that has not ended yet.
        self._at_work: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self._cancelled: dict[int, str] = {}
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
        log = self.log(app, build_id)
        log.append(f"-----> Build {build_id} of {app.name}: {subject}")
        earlier = self._earlier(app.id, build_id)
        if earlier is not None:
            log.append(f"       Waiting for build {earlier} of this app to end")
        self.changed(app.id).fire()
        self.work(app)
        return build_id

    def last(self, app_id: int) -> sqlite3.Row | None:
        """The newest build of an app."""
        return self._db.find(
            "SELECT * FROM builds WHERE app_id = ? ORDER BY id DESC LIMIT 1", app_id
        )

    def get(self, build_id: int) -> sqlite3.Row | None:
        """A build by its number."""
        return self._db.find("SELECT * FROM builds WHERE id = ?", build_id)

    def log(self, app: App, build_id: int) -> LogFile:
        """The log of a build."""
        if build_id not in self._logs:
            path = build_logs(app) / f"{build_id}.log"
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

    async def cancel(self, app: App, number: str | None, user: str) -> sqlite3.Row:
        """End a build of an app that has not ended, the newest such one without a `number`;
        returns it when all that it started has ended.

        Raises `NotFound` for a number that no build of the app has, `Refused` for one that has
        ended.
        """
        build_id = self._to_cancel(app, number)["id"]
        at_work = self._at_work.get(app.id)
        if at_work is None or at_work[0] != build_id:
            await self._end_cancelled(app, build_id, user)
        else:
            if build_id not in self._cancelled:
                self._cancelled[build_id] = user
                at_work[1].cancel()
            await asyncio.wait({at_work[1]})
        row = self.get(build_id)
        if row is None:
            raise NotFound(f"App {app.name} was deleted.")
        if not row["cancelled_by"]:
            raise Refused(_ended(app, row))
        return row

    def numbered(self, app_id: int, number: str) -> sqlite3.Row | None:
        """The build of an app with a number, as the API writes it."""
        # SQLite would read 12abc as 12.
        if not (number.isascii() and number.isdecimal()):
            return None
        return self._db.find(
            "SELECT * FROM builds WHERE app_id = ? AND id = CAST(? AS INTEGER)", app_id, number
        )

    def _to_cancel(self, app: App, number: str | None) -> sqlite3.Row:
        if number is None:
            row = self._db.find(
                "SELECT * FROM builds WHERE app_id = ? AND status IN ('queued', 'building')"
                " ORDER BY id DESC LIMIT 1",
                app.id,
            ) or self.last(app.id)
            if row is None:
                raise Refused(f"App {app.name} has no builds.")
        else:
            row = self.numbered(app.id, number)
            if row is None:
                raise NotFound(f"App {app.name} has no build {number}.")
        if row["status"] in FINISHED:
            raise Refused(_ended(app, row))
        return row

    def work(self, app: App) -> None:
        """Build what is queued of an app."""
        worker = self._workers.get(app.id)
        if worker is None or worker.done():
            work = until_done(f"builds of {app.name}", lambda: self._work_off(app))
            self._workers[app.id] = asyncio.create_task(work)

    async def _work_off(self, app: App) -> None:
        while True:
            # One that is being built already has met an error of the sandbox's: it is tried again.
            row = self._db.find(
                "SELECT * FROM builds WHERE app_id = ? AND status IN ('queued', 'building')"
                " ORDER BY id",
                app.id,
            )
            if row is None:
                return
            building = asyncio.create_task(self._until_cancelled(app, row))
            self._at_work[app.id] = row["id"], building
            try:
                await building
            except asyncio.CancelledError:
                # Before its first step a task ends without having heard of it.
                user = self._cancelled.pop(row["id"], "") if building.cancelled() else ""
                if not user:
                    raise
                await self._end_cancelled(app, row["id"], user)
            finally:
                del self._at_work[app.id]

    async def _until_cancelled(self, app: App, row: sqlite3.Row) -> None:
        try:
            await self._build(app, row)
        except asyncio.CancelledError:
            # Else it is the sandbox that ends, or the app, and the build is taken up again.
            if not (user := self._cancelled.get(row["id"])):
                raise
            await self._end_cancelled(app, row["id"], user)
        finally:
            self._cancelled.pop(row["id"], None)

    async def _end_cancelled(self, app: App, build_id: int, user: str) -> None:
        row = self.get(build_id)
        if row is None or row["status"] in FINISHED:
            return
        words = f"Build {build_id} was cancelled by {user}."
        self._set(
            app,
            build_id,
            status="failed",
            cancelled_by=user,
            error=words,
            finished_at=timestamp(),
        )
        self.log(app, build_id).append(f" !     {words}{self._serving(app)}")
        self.changed(app.id).fire()
        if app.release_folder(build_id).exists():
            await at_most_logged("files of a build", self._checkouts.set_aside(app, build_id))

    async def _build(self, app: App, row: sqlite3.Row) -> None:
        build_id: int = row["id"]
        redact = Redaction()
        try:
            await self._release(app, row, self.log(app, build_id), redact)
        except NotStarted as error:
            words = "The app was built but did not start."
            await self._fail(app, build_id, redact(str(error)), words)
        except DeTasksError as error:
            await self._fail(app, build_id, redact(str(error)))
        except (OSError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or error
            await self._fail(app, build_id, redact(f"The sandbox could not build: {why}."))
        except Exception:
            logger.exception("build %s of %s", build_id, app.name)
            await self._fail(app, build_id, "The sandbox has failed internally; see server.log.")

    async def _release(self, app: App, row: sqlite3.Row, log: LogFile, redact: Redaction) -> None:
        build_id: int = row["id"]
        user: str = row["pushed_by"]
        folder = app.release_folder(build_id)

        def say(text: str) -> None:
            log.append(redact(text))

        async with self._turns.turn(user, log.append):
            self._set(app, build_id, status="building", started_at=timestamp())
            self._forget_logs(app, build_id)
            (live,) = self._db.one("SELECT release FROM apps WHERE id = ?", app.id)
            count = await self._whole(
                build_id, self._checkouts.make(app, row["sha"], build_id, live)
            )
            log.append(f"       {count} {'file' if count == 1 else 'files'} at {row['sha'][:7]}")
            check_links(folder)
            version = self._settings.as_version
            Procfile.read(folder)
            read.check(folder, version)
            (setting,) = self._db.one("SELECT python FROM apps WHERE id = ?", app.id)
            asked = read.python(folder, version, setting)
            redact.add((await self._app_settings.variables(app.id)).values())
            for line in await asyncio.to_thread(
                lambda: [*unread(folder, version), *read.notes(folder, version, setting)]
            ):
                say(f"       {line}")
        (number,) = self._db.one("SELECT cache_number FROM apps WHERE id = ?", app.id)
        # `purgeCache` counts the number up, so that nothing that was kept is used again.
        purged = f"{app.id}:{number}" if number > 1 else ""
        environment = await self._environments.provide(
            folder,
            row["sha"],
            purged,
            say,
            lambda: self._installs.turn(user, log.append),
            self._app_settings.of_users(app.id),
            asked,
        )
        self._set(app, build_id, environment=environment)
        if app.changing.locked():
            log.append("       Waiting for the app's restart to finish")
        async with app.changing, self._turns.turn(user, log.append):
            await self._go_live(app, build_id, environment, log, redact)
        self.changed(app.id).fire()
        await at_most_logged("old releases", self._prune(app))
        await at_most_logged("old environments", self._prune_environments())
        async with self._turns.turn(user, lambda text: None):
            await at_most_logged("spare folder", self._checkouts.prepare(app, row["sha"], count))

    async def _whole(self, build_id: int, work: Coroutine[Any, Any, int]) -> int:
        """What some work returns that is not left half done for the next build of the app, which
        begins as soon as this one is cancelled."""
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if build_id not in self._cancelled:
                task.cancel()
            await asyncio.wait({task})
            raise

    async def _go_live(
        self, app: App, build_id: int, environment: str, log: LogFile, redact: Redaction
    ) -> None:
        def say(text: str) -> None:
            log.append(redact(text))

        folder, version = app.release_folder(build_id), self._settings.as_version
        scripts = await asyncio.to_thread(read.scripts, folder, version)
        before = {"predeploy": scripts.get("predeploy", "")}
        if version == 4:
            before["release"] = Procfile.read(folder).commands.get("release", "")
        for kind, command in before.items():
            if command:
                await self._releases.run(app, build_id, environment, kind, command, say)
        release = await self._releases.deploy(app, build_id, environment, say)
        try:
            if after := scripts.get("postdeploy"):
                await self._releases.run(app, build_id, environment, "postdeploy", after, say)
            missing = await self._unattached(app, build_id)
            with self._db.transaction():
                self._db.execute("UPDATE apps SET release = ? WHERE id = ?", build_id, app.id)
                started = [kind for kind, instances in release.instances.items() if instances]
                log.append(f"       Processes: {', '.join(started)}")
                log.append(f"-----> Released: {self._settings.apps_url}/{app.name}/")
                if missing:
                    log.append(f"       {missing}")
                self._set(app, build_id, status="built", finished_at=timestamp())
        except BaseException:
            # It was not written down, so it does not serve.
            await asyncio.shield(release.stop(1))
            raise
        self._releases.switch(app, release)

    async def _unattached(self, app: App, build_id: int) -> str:
        """How to attach what the code reads and the app has not; empty where nothing is missing."""
        try:
            variables = await self._app_settings.variables(app.id)
            folder = app.release_folder(build_id)
            return await asyncio.to_thread(unattached, folder, app.name, variables)
        except (DeTasksError, OSError):
            # It says nothing of whether the build has succeeded.
            return ""

    async def _fail(
        self, app: App, build_id: int, reason: str, words: str = "Build failed."
    ) -> None:
        log = self.log(app, build_id)
        log.append(f" !     {words}{self._serving(app)}")
        # The cause is what people look for, and they look at the end.
        if len(reason) > LONGEST_REASON:
            reason = f"{reason[:LONGEST_REASON]} ..."
        log.append(f" !     {reason}")
        if missing := await self._unattached(app, build_id):
            log.append(f" !     {missing}")
        await at_most_logged("files of a failed build", self._checkouts.set_aside(app, build_id))
        self._set(app, build_id, status="failed", error=reason, finished_at=timestamp())
        await at_most_logged("old releases", self._prune(app))

    def _serving(self, app: App) -> str:
        (release,) = self._db.one("SELECT release FROM apps WHERE id = ?", app.id)
        return f" Build {release} keeps serving." if release else ""

    def _set(self, app: App, build_id: int, **values: str) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE builds SET {columns} WHERE id = ?", *values.values(), build_id)
        self.changed(app.id).fire()

    def _forget_logs(self, app: App, build_id: int) -> None:
        """The logs of as many builds are kept as releases, and of the one that serves."""
        rows = self._db.all(
            "SELECT id FROM builds WHERE app_id = ? AND id <= ? ORDER BY id DESC LIMIT ?",
            app.id,
            build_id,
            RELEASES_KEPT,
        )
        kept = {row["id"] for row in rows} | app.in_use()
        for path in build_logs(app).glob("*.log*"):
            number = path.name.split(".")[0]
            if number.isdecimal() and int(number) < build_id:
                # Nothing comes to it any more: what is kept is read from the file.
                if old := self._logs.pop(int(number), None):
                    old.close()
                if int(number) not in kept:
                    path.unlink(missing_ok=True)

    def _earlier(self, app_id: int, build_id: int) -> int | None:
        row = self._db.find(
            "SELECT max(id) AS id FROM builds WHERE app_id = ? AND id < ?"
            " AND status IN ('queued', 'building')",
            app_id,
            build_id,
        )
        return row["id"] if row else None

    async def _prune(self, app: App) -> None:
        await asyncio.to_thread(prune, app)
        await self._checkouts.tidy(app)

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


def _ended(app: App, row: sqlite3.Row) -> str:
    how = f"cancelled by {row['cancelled_by']}" if row["cancelled_by"] else row["status"]
    return f"Build {row['id']} of {app.name} has already ended: {how}."


def check_links(folder: Path) -> None:
    """Raise `UsageError` where a file that the sandbox itself reads is a link out of the app's
    folder: what it finds wrong in the file it would show in the build's log."""
    for name in READ_BY_US:
        path = folder / name
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{name} is a link that leaves the app's folder.")
