"""The caller, other users, the portal and the server's configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from de_tasks.appspec import THUMBNAIL_LIMIT
from de_tasks.errors import NotFound, UsageError
from de_tasks.server.api.endpoint import Context
from de_tasks.server.api.resolvers.base import OK, mutation, query
from de_tasks.server.api.resolvers.shapes import Shapes
from de_tasks.server.apps import PAGE, Apps, check_image
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.access import need_admin
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.tokens import CLIENT_ID

LEAST_PASSWORD = 8
LOGO_LIMIT = 10 * THUMBNAIL_LIMIT


class UserResolvers:
    """Fields about users and the platform."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        accounts: Accounts,
        apps: Apps,
        shapes: Shapes,
    ) -> None:
        self._settings = settings
        self._db = database
        self._accounts = accounts
        self._apps = apps
        self._shapes = shapes

    @query
    async def platform_version(self, context: Context) -> int:
        return self._settings.as_version

    @query
    async def current(self, context: Context) -> dict[str, Any]:
        return {"username": context.user.username, "isAdmin": context.user.is_admin}

    @query
    async def account(self, context: Context, username: str) -> dict[str, Any] | None:
        name = username.strip().lower()
        if name != context.user.username:
            need_admin(context.user, "What another user is")
        user = self._accounts.get(name)
        if user is None:
            return None
        groups = sorted(self._accounts.groups_of(name))
        return {"username": name, "role": user.role, "groups": groups}

    @query
    async def config(self, context: Context) -> dict[str, Any]:
        return {
            "OAUTH_CLIENT_ID": CLIENT_ID,
            "PLOTLY_AUTH_WEBAPP_URL": f"{self._settings.url}/auth/realms/dash",
            "AUTH_SAML_ENABLED": False,
            "AUTH_LDAP_ENABLED": False,
            "SSL_DASH_CERT_GENERATE": False,
            "AUTH_PASSWORD": True,
            "HA_ENABLED": False,
            "DASH_APP_VIEWERS": len(self._accounts.all()),
        }

    @query
    async def ssh_keys(self, context: Context) -> dict[str, str]:
        row = self._db.one("SELECT ssh_keys FROM users WHERE username = ?", context.user.username)
        return {"keys": row["ssh_keys"]}

    @query
    async def admin_tasks(self, context: Context) -> dict[str, Any]:
        need_admin(context.user, "The list of administrators' tasks")
        rows = self._db.all("SELECT * FROM admin_tasks ORDER BY id")
        return {
            "tasks": [
                {
                    "sourceUsername": row["source"],
                    "targetUsername": row["target"],
                    "taskName": row["name"],
                    "taskStatus": row["status"],
                }
                for row in rows
            ]
        }

    @query
    async def portals(
        self, context: Context, page: int | None = None, name: str | None = None
    ) -> dict[str, Any]:
        rows = self._db.all("SELECT * FROM portals WHERE ?1 IS NULL OR name = lower(?1)", name)
        shown = [] if (page or 1) > 1 else [self._portal(context, row) for row in rows]
        return {"portals": shown, "nextPage": None}

    @mutation({"portal": None})
    async def update_portal(
        self,
        context: Context,
        portalname: str | None = None,
        metadata: str | None = None,
        requireLogin: bool | None = None,
    ) -> dict[str, Any]:
        need_admin(context.user, "Changing the portal")
        row = self._need_portal(portalname)
        if metadata is not None:
            try:
                json.loads(metadata)
            except (ValueError, TypeError) as error:
                raise UsageError(f"metadata is not JSON: {error}") from error
        self._db.execute(
            "UPDATE portals SET metadata = coalesce(?, metadata),"
            " require_login = coalesce(?, require_login) WHERE name = ?",
            metadata,
            requireLogin,
            row["name"],
        )
        return {"portal": self._portal(context, self._need_portal(portalname))}

    @mutation({"portal": None})
    async def upload_portal_logo(
        self, context: Context, logo: UploadFile, portalname: str | None = None
    ) -> dict[str, Any]:
        need_admin(context.user, "Changing the portal")
        row = self._need_portal(portalname)
        data = await logo.read(LOGO_LIMIT + 1)
        kind = check_image(data, LOGO_LIMIT)
        self.logo(kind).write_bytes(data)
        self._db.execute("UPDATE portals SET logo = ? WHERE name = ?", kind, row["name"])
        return {"portal": self._portal(context, self._need_portal(portalname))}

    @mutation({"newKey": None})
    async def reset_api_key(self, context: Context, password: str | None = None) -> dict[str, Any]:
        if not await self._accounts.sign_in(context.user.username, password or "", context.address):
            raise Refused("The password is wrong: the API key was not changed.")
        return {"newKey": self._accounts.reset_api_key(context.user.username)}

    @mutation(OK)
    async def change_password(
        self,
        context: Context,
        currentPassword: str | None = None,
        newPassword: str | None = None,
    ) -> dict[str, Any]:
        username, current, new = context.user.username, None, None
        if not await self._accounts.sign_in(username, currentPassword or "", context.address):
            current = "The current password is wrong."
        elif len(newPassword or "") < LEAST_PASSWORD:
            new = f"A password has at least {LEAST_PASSWORD} characters."
        else:
            self._accounts.set_password(username, newPassword or "")
        return {
            "ok": current is None and new is None,
            "currentPasswordError": current,
            "newPasswordError": new,
        }

    @mutation(OK)
    async def update_ssh_keys(self, context: Context, keys: str | None = None) -> dict[str, Any]:
        self._db.execute(
            "UPDATE users SET ssh_keys = ? WHERE username = ?", keys or "", context.user.username
        )
        return {"ok": True}

    @mutation(OK)
    async def delete_user(self, context: Context, username: str | None = None) -> dict[str, Any]:
        need_admin(context.user, "Deleting users")
        user = self._need_user(username)
        if user == context.user:
            raise Refused("You cannot delete yourself.")
        for table in ("apps", "services"):
            row = self._db.one(
                f"SELECT count(*) AS number FROM {table} WHERE owner = ?", user.username
            )
            if row["number"]:
                raise Refused(
                    f"{user.username} owns {row['number']} {table}: "
                    "give them to somebody with moveAppsAndServices first."
                )
        self._accounts.delete(user.username)
        return {"ok": True}

    @mutation(OK)
    async def move_apps_and_services(
        self,
        context: Context,
        sourceUsername: str | None = None,
        targetUsername: str | None = None,
    ) -> dict[str, Any]:
        need_admin(context.user, "Moving apps and services")
        source, target = self._need_user(sourceUsername), self._need_user(targetUsername)
        if not target.has_seat:
            raise Refused(f"{target.username} has no license seat, and owning apps needs one.")
        self._apps.move(context.user, source.username, target)
        return {"ok": True}

    @mutation({"app": None})
    async def transfer_app(self, context: Context, appname: str, username: str) -> dict[str, Any]:
        row = self._apps.need(context.user, appname)
        need_admin(context.user, "Transferring an app")
        source, target = self._need_user(row["owner"]), self._need_user(username)
        changed = self._apps.transfer(context.user, row, source, target)
        return {"app": self._shapes.app(changed)}

    def logo(self, kind: str) -> Path:
        """The file of the portal's logo."""
        return self._settings.data / f"portal-logo.{kind}"

    def _portal(self, context: Context, row: Any) -> dict[str, Any]:
        async def apps(info: Any, page: int | None = None) -> dict[str, Any]:
            number = max(page or 1, 1)
            found = self._apps.in_portal(context.user)
            begin = PAGE * (number - 1)
            shown = [self._shapes.in_portal(a, context.user) for a in found[begin : begin + PAGE]]
            more = len(found) > begin + PAGE
            return {"apps": shown, "nextPage": number + 1 if more else None}

        return {
            "id": row["name"],
            "name": row["name"],
            "logoUrl": f"{self._settings.url}/thumbnails/-portal" if row["logo"] else None,
            "metadata": row["metadata"],
            "requireLogin": bool(row["require_login"]),
            "linkFromPortalToAppManager": True,
            "apps": apps,
        }

    def _need_portal(self, name: str | None) -> Any:
        row = self._db.find("SELECT * FROM portals WHERE name = lower(?)", name or "default")
        if row is None:
            raise NotFound(f"There is no portal {name!r}. It is called default.")
        return row

    def _need_user(self, name: str | None) -> Any:
        user = self._accounts.get((name or "").lower())
        if user is None:
            raise NotFound(f"There is no user {name!r}.")
        return user
