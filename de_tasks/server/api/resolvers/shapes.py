"""Apps, builds and logs in the contract's shapes.

Costly fields are functions, called only for a request that asks for them.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLResolveInfo

from de_tasks.appspec import URL_VARIABLE
from de_tasks.server.api.endpoint import ApiError, Context
from de_tasks.server.builds.queue import FINISHED, Builds
from de_tasks.server.runtime import usage
from de_tasks.server.runtime.app import WEB, App
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.runtime.variables import Variables, account_variables
from de_tasks.server.services.services import Services
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.access import Access
from de_tasks.server.users.accounts import User

MOST_LINES = 10_000
SHOWN_TO_VIEWERS = ("name", "owner", "urlOnServer", "thumbnailUrl", "metadata")


class Shapes:
    """Turns rows into answers."""

    def __init__(
        self,
        settings: ServerSettings,
        access: Access,
        builds: Builds,
        releases: Releases,
        environments: Environments,
        app_settings: AppSettings,
        variables: Variables,
        services: Services,
    ) -> None:
        self._settings = settings
        self._access = access
        self._builds = builds
        self._releases = releases
        self._environments = environments
        self._app_settings = app_settings
        self._variables = variables
        self._services = services

    def app(self, row: sqlite3.Row) -> dict[str, Any]:
        """An app."""
        app = self._releases.app(row["id"], row["name"])
        build = self._builds.last(row["id"])
        name = row["name"]
        thumbnail = f"{self._settings.url}/thumbnails/{name}" if row["thumbnail"] else None
        return {
            "name": name,
            "owner": {"username": row["owner"], "isDashCreator": True},
            "urlOnServer": f"{self._settings.apps_url}/{name}/",
            "gitUrl": f"{self._settings.url}/GIT/{name}",
            "thumbnailUrl": thumbnail,
            "logs": lambda info: self._old_logs(app, build),
            "collaborators": lambda info: self._access.names(row["id"], "viewer"),
            "coOwners": lambda info: self._access.names(row["id"], "co_owner"),
            "metadata": {
                "title": row["title"],
                "description": row["description"],
                "tags": row["tags"],
                "permissionLevel": row["permission_level"],
                "showInPortal": bool(row["show_in_portal"]),
                "sortRank": row["sort_rank"],
                "contact": {"name": row["contact_name"], "email": row["contact_email"]},
            },
            "hasWorkspace": False,
            "mounts": lambda info: self._mounts(row["id"]),
            "processes": self._processes(app),
            "analytics": lambda info: self._analytics(row, app, build),
            "environmentVariables": lambda info: self._environment(row),
            "linkedServices": lambda info: [
                self.service(s) for s in self._services.linked(row["id"])
            ],
            "status": {
                "running": bool(app.current and app.current.running),
                "deploying": bool(build and build["status"] not in FINISHED),
                "canScale": True,
            },
            # Processes are those of this machine, and their resources are not limited.
            "resources": [],
            "persistentFilesystem": bool(row["persistent"]),
            "python": row["python"] or None,
            "latestBuild": self.build(row, build) if build else None,
            "servingBuild": lambda info: self._serving(row, app),
        }

    def in_portal(self, row: sqlite3.Row, user: User) -> dict[str, Any]:
        """An app as the Portal shows it: to those who do not manage it without all that is for
        those who do."""
        found = self.app(row)
        if self._access.may_manage(user, row):
            return found
        return {f: value if f in SHOWN_TO_VIEWERS else None for f, value in found.items()}

    def service(self, row: sqlite3.Row) -> dict[str, Any]:
        """A service."""
        return {
            "name": row["name"],
            "serviceType": row["type"],
            "created": row["created"],
            "status": self._services.status(row),
            "apps": lambda info: self._services.apps(row["id"]),
            "memory": lambda info: self._services.memory(row),
        }

    def build(self, app_row: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
        """A build."""
        app = self._releases.app(app_row["id"], app_row["name"])
        return {
            "id": str(row["id"]),
            "status": "cancelled" if row["cancelled_by"] else row["status"],
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

    def _build_log(self, app: App, build_id: int) -> Callable[..., Awaitable[dict[str, Any]]]:
        async def page(
            info: GraphQLResolveInfo, count: int = 200, after: str | None = None
        ) -> dict[str, Any]:
            return await log_page(
                info.context, self._builds.log(app, build_id), "build", count, after
            )

        return page

    async def _old_logs(self, app: App, build: sqlite3.Row | None) -> dict[str, str]:
        failed = build is not None and build["status"] == "failed"
        log = self._builds.log(app, build["id"]) if build and failed else None
        return {
            "app": await asyncio.to_thread(_last_lines, self._releases.log(app, WEB)),
            "failed": await asyncio.to_thread(_last_lines, log) if log else "",
        }

    def _serving(self, row: sqlite3.Row, app: App) -> dict[str, Any] | None:
        build = self._builds.get(app.current.build_id) if app.current else None
        return self.build(row, build) if build else None

    def _processes(self, app: App) -> list[dict[str, Any]]:
        if app.problem and not app.current:
            failed = {"state": "exited", "since": None, "restarts": 0, "lastExit": app.problem}
            return [{"type": WEB, "number": 1, "status": f"not started: {app.problem}", **failed}]
        if app.current is None:
            return []
        found = []
        for kind, instances in app.current.instances.items():
            running = sum(instance.process.running for instance in instances)
            standing = app.current.standing(kind)
            up = instances and running == len(instances) and standing.state != "crashing"
            status = "running" if up else "down"
            status += f": {app.problem}" if app.problem and kind == WEB else ""
            found.append(
                {
                    "type": kind,
                    "number": len(instances),
                    "status": status,
                    "state": standing.state,
                    "since": standing.since or None,
                    "restarts": standing.restarts,
                    "lastExit": standing.last_exit,
                }
            )
        return found

    def _mounts(self, app_id: int) -> list[dict[str, str]]:
        return [
            {
                "hostDir": str(mount.host),
                "targetDir": mount.target,
                "status": "mounted" if mount.host.is_dir() else "missing",
            }
            for mount in self._app_settings.mounts(app_id)
        ]

    async def _environment(self, row: sqlite3.Row) -> list[dict[str, Any]]:
        platform = {
            "DASH_APP_NAME": row["name"],
            "DASH_REQUESTS_PATHNAME_PREFIX": f"/{row['name']}/",
            **account_variables(self._settings, row["name"]),
        }
        for service in self._services.linked(row["id"]):
            # The address has the password: who may read it runs code as the app anyway.
            urls = await self._services.urls(row["id"])
            name = URL_VARIABLE[service["type"]]
            platform[name] = urls[name]
        own = self._variables.all(row["id"])
        return [*variable_list(own), *variable_list(platform, readonly=True)]

    def _analytics(self, row: sqlite3.Row, app: App, build: sqlite3.Row | None) -> dict[str, Any]:
        return {
            "appname": row["name"],
            "timestamps": {
                "created": row["created"],
                "updated": build["queued_at"] if build else row["updated"],
                "visited": row["visited"],
                "error": None,
            },
            "gitRevision": {
                "sha1": build["sha"] if build else None,
                "subject": build["message"].partition("\n")[0] if build else None,
                "error": None if build else "The app has not been deployed.",
            },
            "resources": lambda info: self._usage(app),
            "dependencies": lambda info: self._dependencies(app),
        }

    async def _usage(self, app: App) -> dict[str, Any]:
        roots = [
            instance.process.pid
            for instances in (app.current.instances if app.current else {}).values()
            for instance in instances
        ]
        folder = app.release_folder(app.current.build_id) if app.current else None
        return await asyncio.to_thread(
            usage.measure, [pid for pid in roots if pid], folder, self._settings.data
        )

    def _dependencies(self, app: App) -> dict[str, Any]:
        environment = app.current.environment if app.current else None
        python = self._environments.installed(environment) if environment else None
        error = None if python is not None else "The app has not been deployed."
        return {"python": python, "error": error}


def variable_list(variables: dict[str, str], readonly: bool = False) -> list[dict[str, Any]]:
    """Environment variables."""
    return [
        {"name": name, "value": value, "status": "set", "readonly": readonly}
        for name, value in variables.items()
    ]


def _last_lines(log: LogFile) -> str:
    return "\n".join(line.text for line in log.tail(200))


async def log_page(
    context: Context, log: LogFile, process: str, count: int, after: str | None
) -> dict[str, Any]:
    """The newest lines of a log, at most `count`, and where to go on. Raises `ApiError` for a
    `count` below one, for an `after` that is no cursor, and for more lines than one request has."""
    async with context.reading:
        most = line_count(context, count)
        lines = await asyncio.to_thread(log.tail, most, cursor(after or "0"))
        context.lines -= len(lines)
    return {
        "lines": [
            {"cursor": str(line.number), "time": line.time, "process": process, "text": line.text}
            for line in lines
        ],
        "next": str(lines[-1].number) if lines else after or "0",
    }


def cursor(after: str) -> int:
    """A cursor as a number of a line. Raises `ApiError` for what is none."""
    if not re.fullmatch(r"[0-9]{1,15}", after):
        raise ApiError("BAD_USER_INPUT", f"after is not a cursor of this log: {after!r}")
    return int(after)


def line_count(context: Context, count: int) -> int:
    """How many lines to give. Raises `ApiError` for less than one, and when the request has
    had as many as one may."""
    if count < 1:
        raise ApiError("BAD_USER_INPUT", f"count must be 1 or more, not {count}")
    if context.lines <= 0:
        raise ApiError("BAD_USER_INPUT", "That is too many log lines for one request.")
    return min(count, MOST_LINES, context.lines)
