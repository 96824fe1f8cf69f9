"""Builds and logs, held back until there is news (long poll)."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from de_tasks.server.api.endpoint import ApiError, Context
from de_tasks.server.api.resolvers.base import mutation, query
from de_tasks.server.api.resolvers.shapes import Shapes, cursor, log_page
from de_tasks.server.apps import Apps
from de_tasks.server.builds.queue import FINISHED, Builds
from de_tasks.server.builds.rollback import Rollback
from de_tasks.server.database import Database
from de_tasks.server.runtime.app import WEB
from de_tasks.server.runtime.releases import Releases

LONGEST_WAIT = 30
PAGE = 20


class BuildResolvers:
    """Fields about builds and logs."""

    def __init__(
        self,
        database: Database,
        apps: Apps,
        builds: Builds,
        rollback: Rollback,
        releases: Releases,
        shapes: Shapes,
    ) -> None:
        self._db = database
        self._apps = apps
        self._builds = builds
        self._rollback = rollback
        self._releases = releases
        self._shapes = shapes

    @query
    async def build(
        self,
        context: Context,
        appname: str,
        id: str | None = None,
        after: str | None = None,
        wait: int | None = None,
    ) -> dict[str, Any] | None:
        row = self._apps.managed(context.user, appname)
        if row is None:
            return None
        deadline = time.monotonic() + min(wait or 0, LONGEST_WAIT)
        asked_about = None
        while True:
            if self._apps.managed(context.user, appname) is None:
                # The right was lost while this waited.
                return None
            build = self._find_build(row["id"], id)
            left = deadline - time.monotonic()
            if build and (build["status"] in FINISHED or left <= 0):
                return self._shapes.build(row, build)
            if left <= 0:
                return None
            if build and after is not None:
                app = self._releases.app(row["id"], row["name"])
                asked_about = asked_about or build["id"]
                # The log of a newer build begins anew, with fewer lines than `after` has.
                other = build["id"] != asked_about
                if other or self._builds.log(app, build["id"]).last != cursor(after):
                    return self._shapes.build(row, build)
                await context.held(self._builds.changed_or_logged(app, build["id"], left))
            else:
                await context.held(self._builds.changed(row["id"]).wait(left))

    @query
    async def builds(
        self, context: Context, appname: str, page: int | None = None
    ) -> dict[str, Any] | None:
        row = self._apps.managed(context.user, appname)
        if row is None:
            return None
        number = max(page or 1, 1)
        rows = self._db.all(
            "SELECT * FROM builds WHERE app_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            row["id"],
            PAGE + 1,
            PAGE * (number - 1),
        )
        builds = [self._shapes.build(row, build) for build in rows[:PAGE]]
        return {"builds": builds, "nextPage": number + 1 if len(rows) > PAGE else None}

    @mutation({"build": None})
    async def cancel_build(
        self, context: Context, appname: str, id: str | None = None
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        app = self._releases.app(row["id"], row["name"])
        build = await self._builds.cancel(app, id, context.user.username)
        return {"build": self._shapes.build(row, build)}

    @mutation({"build": None})
    async def roll_back(self, context: Context, appname: str, id: str) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        app = self._releases.app(row["id"], row["name"])
        build = self._builds.get(await self._rollback.to(app, id, context.user.username))
        return {"build": self._shapes.build(row, build) if build else None}

    @query
    async def runtime_logs(
        self,
        context: Context,
        appname: str,
        processName: str = WEB,
        count: int = 200,
        after: str | None = None,
        wait: int = 0,
    ) -> dict[str, Any] | None:
        row = self._apps.managed(context.user, appname)
        if row is None:
            return None
        app = self._releases.app(row["id"], row["name"])
        await app.started()
        known = self._releases.processes(app) or [WEB]
        if processName not in known and processName not in app.logs:
            raise ApiError(
                "BAD_USER_INPUT",
                f"App {appname} has no process {processName!r}. It has: {', '.join(known)}.",
            )
        log = self._releases.log(app, processName)
        if wait and after is not None and log.last <= cursor(after):
            await context.held(log.changed.wait(min(wait, LONGEST_WAIT)))
            if self._apps.managed(context.user, appname) is None:
                return None
        return await log_page(context, log, processName, count, after)

    @query
    async def rate_limit(self, context: Context) -> dict[str, int]:
        budget = context.budget
        return {
            "limit": budget.limit,
            "remaining": budget.remaining,
            "windowMs": budget.window_ms,
            "msBeforeNext": budget.ms_before_next,
        }

    def _find_build(self, app_id: int, build_id: str | None) -> sqlite3.Row | None:
        if build_id is None:
            return self._builds.last(app_id)
        return self._builds.numbered(app_id, build_id)
