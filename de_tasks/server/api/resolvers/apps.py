"""Apps: listing, creating, changing, restarting and deleting them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import UploadFile

from de_tasks.appspec import THUMBNAIL_LIMIT
from de_tasks.errors import UsageError
from de_tasks.server.api.endpoint import Context
from de_tasks.server.api.resolvers.base import APP, OK, REFRESH, mutation, query
from de_tasks.server.api.resolvers.shapes import Shapes, variable_list
from de_tasks.server.apps import Apps
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import BuildError
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.runtime.variables import Variables
from de_tasks.server.users.access import Access, Relation, need_admin

NO_WORKSPACES = "The sandbox has no workspaces: edit the app where you develop it, and deploy it."


class AppResolvers:
    """Fields about apps."""

    def __init__(
        self,
        database: Database,
        apps: Apps,
        access: Access,
        releases: Releases,
        app_settings: AppSettings,
        variables: Variables,
        shapes: Shapes,
    ) -> None:
        self._db = database
        self._apps = apps
        self._access = access
        self._releases = releases
        self._app_settings = app_settings
        self._variables = variables
        self._shapes = shapes

    @query
    async def app(self, context: Context, name: str) -> dict[str, Any] | None:
        row = self._apps.managed(context.user, name)
        return self._shapes.app(row) if row else None

    @query
    async def apps(
        self,
        context: Context,
        page: int | None = None,
        name: str | None = None,
        allApps: bool | None = None,
    ) -> dict[str, Any]:
        number = max(page or 1, 1)
        if allApps:
            need_admin(context.user, "allApps")
        # The published API lists one's own apps, and all only when that is asked for.
        rows, more = self._apps.listing(context.user, number, name, mine=allApps is False)
        return {
            "apps": [self._shapes.app(row) for row in rows],
            "nextPage": number + 1 if more else None,
        }

    @query
    async def apps_count(self, context: Context) -> list[dict[str, Any]]:
        return [
            {**count, "user": {"username": count["username"], "isDashCreator": True}}
            for count in self._apps.counts(context.user)
        ]

    @query
    async def is_workspace_ready(self, context: Context, appname: str | None = None) -> bool:
        return False

    @query
    async def global_environment_variables(self, context: Context) -> list[dict[str, Any]]:
        need_admin(context.user, "Reading global environment variables")
        return variable_list(self._variables.all(None))

    @mutation(APP)
    async def add_app(self, context: Context, name: str | None = None) -> dict[str, Any]:
        return {"app": self._shapes.app(await self._apps.create(context.user, name or ""))}

    @mutation(OK)
    async def delete_app(self, context: Context, name: str | None = None) -> dict[str, Any]:
        await self._apps.delete(context.user, name)
        return {"ok": True}

    @mutation(APP)
    async def update_app(
        self,
        context: Context,
        appname: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        return {"app": self._shapes.app(self._apps.update(row, metadata or {}))}

    @mutation(APP)
    async def upload_app_thumbnail(
        self, context: Context, thumbnail: UploadFile, appname: str | None = None
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        data = await thumbnail.read(THUMBNAIL_LIMIT + 1)
        return {"app": self._shapes.app(self._apps.set_thumbnail(row, data))}

    @mutation(APP)
    async def add_collaborators(self, context: Context, **named: Any) -> dict[str, Any]:
        return self._change_access(context, "viewer", self._access.add, **named)

    @mutation(APP)
    async def remove_collaborators(self, context: Context, **named: Any) -> dict[str, Any]:
        return self._change_access(context, "viewer", self._access.remove, **named)

    @mutation(APP)
    async def add_co_owners(self, context: Context, **named: Any) -> dict[str, Any]:
        return self._change_access(context, "co_owner", self._access.add, **named)

    @mutation(APP)
    async def remove_co_owners(self, context: Context, **named: Any) -> dict[str, Any]:
        return self._change_access(context, "co_owner", self._access.remove, **named)

    @mutation(APP)
    async def set_persistent_filesystem(
        self, context: Context, appname: str, enabled: bool
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        changed = await self._apps.set_persistent(row, enabled)
        self._releases.restart_soon(self._running(row))
        return {"app": self._shapes.app(changed)}

    @mutation(APP)
    async def set_python(
        self, context: Context, appname: str, version: str | None = None
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        return {"app": self._shapes.app(await self._apps.set_python(row, version or ""))}

    @mutation({"restarted": None})
    async def restart_app(self, context: Context, appname: str) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        try:
            restarted = await self._releases.restart(self._running(row))
        except BuildError as error:
            # The cause may be what the app said last, which ends as it likes.
            why = str(error).removesuffix(".")
            raise Refused(f"{why}. The processes that were running keep running.") from error
        if not restarted:
            raise Refused(f"App {appname} has no running processes: deploy it first.")
        return {"restarted": restarted}

    @mutation(REFRESH)
    async def add_environment_variable(
        self,
        context: Context,
        name: str | None = None,
        value: str | None = None,
        appname: str | None = None,
        globalVar: bool | None = None,
    ) -> dict[str, Any]:
        app_id = self._scope(context, appname, globalVar)
        changed = self._variables.set(app_id, name or "", value or "")
        return {"ok": True, "refresh": changed and self._refresh(app_id)}

    @mutation(REFRESH)
    async def remove_environment_variable(
        self,
        context: Context,
        name: str | None = None,
        appname: str | None = None,
        globalVar: bool | None = None,
    ) -> dict[str, Any]:
        app_id = self._scope(context, appname, globalVar)
        self._variables.remove(app_id, name or "")
        return {"ok": True, "refresh": self._refresh(app_id)}

    @mutation(REFRESH)
    async def scale_processes(
        self,
        context: Context,
        appname: str | None = None,
        processes: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        app = self._running(row)
        await app.started()
        known = self._releases.processes(app)
        numbers = {p.get("type") or "": int(p.get("number") or 0) for p in processes or []}
        self._app_settings.set_scale(row["id"], numbers, known)
        return {"ok": True, "refresh": self._refresh(row["id"])}

    @mutation(REFRESH)
    async def set_resources(
        self,
        context: Context,
        appname: str | None = None,
        resources: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        self._apps.need(context.user, appname)
        raise Refused("The sandbox runs apps as processes of this machine and cannot limit them.")

    @mutation(REFRESH)
    async def mount_directory(
        self,
        context: Context,
        appname: str | None = None,
        hostDir: str | None = None,
        targetDir: str | None = None,
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        self._app_settings.add_mount(row["id"], hostDir or "", targetDir or "")
        return {"ok": True, "refresh": self._refresh(row["id"])}

    @mutation(REFRESH)
    async def unmount_directory(
        self,
        context: Context,
        appname: str | None = None,
        hostDir: str | None = None,
        targetDir: str | None = None,
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        self._app_settings.remove_mount(row["id"], hostDir or "", targetDir or "")
        return {"ok": True, "refresh": self._refresh(row["id"])}

    @mutation(OK)
    async def purge_cache(self, context: Context, appname: str | None = None) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        self._db.execute("UPDATE apps SET cache_number = cache_number + 1 WHERE id = ?", row["id"])
        return {"ok": True}

    @mutation(APP)
    async def create_workspace(
        self, context: Context, appname: str | None = None, template: str | None = None
    ) -> dict[str, Any]:
        raise Refused(NO_WORKSPACES)

    @mutation(OK)
    async def delete_workspace(
        self, context: Context, appname: str | None = None
    ) -> dict[str, Any]:
        raise Refused(NO_WORKSPACES)

    @mutation(OK)
    async def restart_workspace(
        self, context: Context, appname: str | None = None
    ) -> dict[str, Any]:
        raise Refused(NO_WORKSPACES)

    def _change_access(
        self,
        context: Context,
        relation: Relation,
        change: Any,
        appname: str | None = None,
        users: Sequence[str | None] | None = None,
        teams: Sequence[str | None] | None = None,
    ) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        change(row["id"], relation, [u or "" for u in users or ()], [t or "" for t in teams or ()])
        return {"app": self._shapes.app(row)}

    def _scope(self, context: Context, appname: str | None, for_all: bool | None) -> int | None:
        if for_all:
            need_admin(context.user, "Changing global environment variables")
            return None
        if not appname:
            raise UsageError("Name the app with appname, or set globalVar.")
        app_id: int = self._apps.need(context.user, appname)["id"]
        return app_id

    def _refresh(self, app_id: int | None) -> bool:
        rows = self._db.all("SELECT * FROM apps WHERE ?1 IS NULL OR id = ?1", app_id)
        return any([self._releases.restart_soon(self._running(row)) for row in rows])

    def _running(self, row: sqlite3.Row) -> App:
        return self._releases.app(row["id"], row["name"])
