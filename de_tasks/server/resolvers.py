"""Resolvers of the platform API: rows of the database in the contract's shapes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import ariadne
from graphql import GraphQLResolveInfo

from de_tasks.errors import DeTasksError, NotPermitted
from de_tasks.server.apps import Apps
from de_tasks.server.builds import Builds
from de_tasks.server.database import Database
from de_tasks.server.graphql import ApiError, Context
from de_tasks.server.logs import Line
from de_tasks.server.releases import WEB, Releases
from de_tasks.server.settings import ServerSettings

LONGEST_WAIT = 30
MOST_LINES = 10_000
FINISHED = ("built", "failed")


class Resolvers:
    """The fields of the contract that this sandbox offers."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        apps: Apps,
        builds: Builds,
        releases: Releases,
    ) -> None:
        self._settings = settings
        self._db = database
        self._apps = apps
        self._builds = builds
        self._releases = releases

    def bindables(self) -> list[ariadne.SchemaBindable]:
        """What `make_schema` binds."""
        query, mutation = ariadne.QueryType(), ariadne.MutationType()
        for name in ("current", "app", "apps", "build", "builds", "runtimeLogs", "rateLimit"):
            query.set_field(name, getattr(self, _snake(name)))
        for name in ("addApp", "deleteApp"):
            mutation.set_field(name, getattr(self, _snake(name)))
        return [query, mutation]

    async def current(self, _: None, info: GraphQLResolveInfo) -> dict[str, Any]:
        """The caller."""
        user = _context(info).user
        return {"username": user.username, "isAdmin": user.is_admin}

    async def app(self, _: None, info: GraphQLResolveInfo, name: str) -> dict[str, Any] | None:
        """One app, null when there is none or the caller may not see it."""
        row = self._apps.managed(_context(info).user, name)
        return self._app(row) if row else None

    async def apps(
        self,
        _: None,
        info: GraphQLResolveInfo,
        page: int | None = None,
        name: str | None = None,
        allApps: bool | None = None,
    ) -> dict[str, Any]:
        """A page of the apps that the caller manages."""
        user, number = _context(info).user, max(page or 1, 1)
        if allApps and not user.is_admin:
            raise ApiError("FORBIDDEN", "allApps is for admins.")
        rows, more = self._apps.listing(user, number, name)
        return {"apps": [self._app(row) for row in rows], "nextPage": number + 1 if more else None}

    async def build(
        self,
        _: None,
        info: GraphQLResolveInfo,
        appname: str,
        id: str | None = None,
        after: str | None = None,
        wait: int | None = None,
    ) -> dict[str, Any] | None:
        """One build, the newest by default; `wait` holds the answer until there is news."""
        row = self._apps.managed(_context(info).user, appname)
        if row is None:
            return None
        deadline = time.monotonic() + min(wait or 0, LONGEST_WAIT)
        while True:
            build = self._find_build(row["id"], id)
            left = deadline - time.monotonic()
            if build and (build["status"] in FINISHED or left <= 0):
                return self._build(row, build)
            if left <= 0:
                return None
            if build and after is not None:
                app = self._releases.app(row["id"], row["name"])
                if self._builds.log(app, build["id"]).last > _cursor(after):
                    return self._build(row, build)
                await self._builds.changed_or_logged(app, build["id"], left)
            else:
                await self._builds.changed(row["id"]).wait(left)

    async def builds(
        self, _: None, info: GraphQLResolveInfo, appname: str, page: int | None = None
    ) -> dict[str, Any] | None:
        """A page of an app's builds, the newest first."""
        row = self._apps.managed(_context(info).user, appname)
        if row is None:
            return None
        number, size = max(page or 1, 1), 20
        rows = self._db.all(
            "SELECT * FROM builds WHERE app_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            row["id"],
            size + 1,
            size * (number - 1),
        )
        builds = [self._build(row, build) for build in rows[:size]]
        return {"builds": builds, "nextPage": number + 1 if len(rows) > size else None}

    async def runtime_logs(
        self,
        _: None,
        info: GraphQLResolveInfo,
        appname: str,
        processName: str = WEB,
        count: int = 200,
        after: str | None = None,
        wait: int = 0,
    ) -> dict[str, Any] | None:
        """Lines of a process; with `wait` the answer is held until there is one after `after`."""
        row = self._apps.managed(_context(info).user, appname)
        if row is None:
            return None
        app = self._releases.app(row["id"], row["name"])
        known = self._releases.processes(app) or [WEB]
        if processName not in known and processName not in app.logs:
            raise ApiError(
                "BAD_USER_INPUT",
                f"App {appname} has no process {processName!r}. It has: {', '.join(known)}.",
            )
        log = self._releases.log(app, processName)
        if wait and after is not None and log.last <= _cursor(after):
            await log.changed.wait(min(wait, LONGEST_WAIT))
        lines = await asyncio.to_thread(log.tail, _count(count), _cursor(after or "0"))
        return _page(lines, processName, after)

    async def rate_limit(self, _: None, info: GraphQLResolveInfo) -> dict[str, int]:
        """The caller's budget."""
        budget = _context(info).budget
        return {
            "limit": budget.limit,
            "remaining": budget.remaining,
            "windowMs": budget.window_ms,
            "msBeforeNext": budget.ms_before_next,
        }

    async def add_app(
        self, _: None, info: GraphQLResolveInfo, name: str | None = None
    ) -> dict[str, Any]:
        """Create an app."""
        try:
            created = await self._apps.create(_context(info).user, name or "")
        except NotPermitted as error:
            return {"app": None, "error": _refusal(info, "FORBIDDEN", error)}
        if isinstance(created, str):
            return {"app": None, "error": created}
        return {"app": self._app(created), "error": None}

    async def delete_app(
        self, _: None, info: GraphQLResolveInfo, name: str | None = None
    ) -> dict[str, Any]:
        """Delete an app."""
        try:
            refusal = await self._apps.delete(_context(info).user, name or "")
        except NotPermitted as error:
            refusal = _refusal(info, "FORBIDDEN", error)
        return {"ok": refusal is None, "error": refusal}

    def _find_build(self, app_id: int, build_id: str | None) -> sqlite3.Row | None:
        if build_id is None:
            return self._builds.last(app_id)
        return self._db.find(
            "SELECT * FROM builds WHERE app_id = ? AND id = CAST(? AS INTEGER)", app_id, build_id
        )

    def _app(self, row: sqlite3.Row) -> dict[str, Any]:
        app = self._releases.app(row["id"], row["name"])
        build = self._builds.last(row["id"])
        return {
            "name": row["name"],
            "owner": {"username": row["owner"], "isDashCreator": True},
            "urlOnServer": f"{self._settings.apps_url}/{row['name']}/",
            "gitUrl": f"{self._settings.url}/GIT/{row['name']}",
            # Everybody who reaches this machine's loopback may open an app.
            "metadata": {"title": row["title"], "permissionLevel": "unauthenticated"},
            "coOwners": {"users": self._apps.co_owners(row["id"]), "teams": []},
            "hasWorkspace": False,
            "processes": self._processes(app),
            "status": {
                "running": bool(app.current and app.current.web.running),
                "deploying": bool(build and build["status"] not in FINISHED),
                "canScale": False,
            },
            "analytics": {
                "appname": row["name"],
                "timestamps": {
                    "created": row["created"],
                    "updated": row["updated"],
                    "visited": None,
                    "error": None,
                },
            },
            "latestBuild": self._build(row, build) if build else None,
        }

    def _processes(self, app: Any) -> list[dict[str, Any]]:
        if not app.current:
            return []
        all_of_them = {WEB: app.current.web, **app.current.others}
        return [
            {"type": kind, "number": 1, "status": "running" if process.running else "down"}
            for kind, process in all_of_them.items()
        ]

    def _build(self, app_row: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
        app = self._releases.app(app_row["id"], app_row["name"])
        return {
            "id": str(row["id"]),
            "status": row["status"],
            "commit": {
                "sha": row["sha"],
                "message": row["message"],
                "author": row["author"],
                "date": row["committed"],
            },
            "queuedAt": row["queued_at"],
            "startedAt": row["started_at"],
            "finishedAt": row["finished_at"],
            "error": row["error"],
            "log": self._build_log(app, row["id"]),
        }

    def _build_log(self, app: Any, build_id: int) -> Callable[..., dict[str, Any]]:
        def page(
            info: GraphQLResolveInfo, count: int = 200, after: str | None = None
        ) -> dict[str, Any]:
            log = self._builds.log(app, build_id)
            return _page(log.tail(_count(count), _cursor(after or "0")), "build", after)

        return page


def _refusal(info: GraphQLResolveInfo, code: str, error: DeTasksError) -> str:
    _context(info).codes[info.field_name] = code
    return str(error)


def _context(info: GraphQLResolveInfo) -> Context:
    context: Context = info.context
    return context


def _page(lines: list[Line], process: str, after: str | None) -> dict[str, Any]:
    return {
        "lines": [
            {"cursor": str(line.number), "time": line.time, "process": process, "text": line.text}
            for line in lines
        ],
        "next": str(lines[-1].number) if lines else after or "0",
    }


def _cursor(after: str) -> int:
    if not after.isdigit():
        raise ApiError("BAD_USER_INPUT", f"after is not a cursor of this log: {after!r}")
    return int(after)


def _count(count: int) -> int:
    if count < 1:
        raise ApiError("BAD_USER_INPUT", f"count must be 1 or more, not {count}")
    return min(count, MOST_LINES)


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)
