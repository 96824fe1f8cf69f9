"""Apps: their names and metadata, creating, finding and deleting them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from de_tasks.appspec import APP_NAME, LONGEST_NAME, SHORTEST_NAME, THUMBNAIL_LIMIT, image_type
from de_tasks.errors import NotFound, NotPermitted, UsageError
from de_tasks.server.builds.queue import Builds
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.database import Database, timestamp
from de_tasks.server.errors import Refused
from de_tasks.server.runtime import pythons
from de_tasks.server.runtime.folders import arrange_persistent
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.access import Access, need_admin, need_seat
from de_tasks.server.users.accounts import User

RESERVED = frozenset(
    "account admin api app apps auth dash docs git health login logout manager packages portal"
    " sandbox static thumbnails workspaces".split()
)
PAGE = 50
LONGEST_TEXT = 10_000
VISIT_SECONDS = 60.0
"""A visit is written down at most this often: the time is for people."""
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
COLUMNS = {
    "title": "title",
    "description": "description",
    "tags": "tags",
    "permissionLevel": "permission_level",
    "showInPortal": "show_in_portal",
    "sortRank": "sort_rank",
}
"""Fields of `AppMetaDataInput` and where they are kept."""


class Apps:
    """The apps of a sandbox. Where a user stands in front, rights are checked."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        access: Access,
        repositories: Repositories,
        releases: Releases,
        builds: Builds,
    ) -> None:
        self._settings = settings
        self._db = database
        self._access = access
        self._repositories = repositories
        self._releases = releases
        self._builds = builds
        self._visits: dict[int, float] = {}

    def find(self, name: str) -> sqlite3.Row | None:
        """The app of that name."""
        return self._db.find("SELECT * FROM apps WHERE name = ?", name)

    def managed(self, user: User, name: str | None) -> sqlite3.Row | None:
        """The app of that name, None when there is none or the user may not manage it.

        Raises `NotPermitted` for a user without a seat.
        """
        need_seat(user)
        row = self.find(name or "")
        return row if row and self._access.may_manage(user, row) else None

    def need(self, user: User, name: str | None) -> sqlite3.Row:
        """The same; raises `NotFound` in place of None."""
        row = self.managed(user, name)
        if row is None:
            raise NotFound("App does not exist.")
        return row

    def last_build(self, app: sqlite3.Row) -> sqlite3.Row | None:
        """The newest build of an app, None before the first deploy."""
        return self._builds.last(app["id"])

    def may_manage(self, user: User, app: sqlite3.Row) -> bool:
        """Whether the user may change the app and deploy to it."""
        return self._access.may_manage(user, app)

    def may_view(self, user: User | None, app: sqlite3.Row) -> bool:
        """Whether the user may open the app; None is somebody unknown."""
        return self._access.may_view(user, app)

    def listing(
        self, user: User, page: int, name: str | None, mine: bool = False
    ) -> tuple[list[sqlite3.Row], bool]:
        """A page of the apps that the user manages, and whether there is a next one."""
        need_seat(user)
        rows = self._db.all(
            "SELECT * FROM apps WHERE (?1 OR owner = ?2 OR id IN"
            " (SELECT app_id FROM access WHERE relation = 'co_owner' AND"
            " (kind = 'user' AND name = ?2 OR kind = 'team' AND name IN"
            " (SELECT groupname FROM members WHERE username = ?2))))"
            " AND (?3 IS NULL OR name = ?3) ORDER BY name LIMIT ?4 OFFSET ?5",
            user.is_admin and not mine,
            user.username,
            name,
            PAGE + 1,
            PAGE * (max(page, 1) - 1),
        )
        return rows[:PAGE], len(rows) > PAGE

    def portal_is_for(self, user: User | None) -> bool:
        """Whether the Portal is open to the user; None is somebody unknown."""
        return user is not None or not self._db.all("SELECT 1 FROM portals WHERE require_login")

    def in_portal(self, user: User | None) -> list[sqlite3.Row]:
        """The apps that the Portal shows the user, by rank; None is somebody unknown."""
        rows = self._db.all(
            # A rank of 0 is none.
            "SELECT * FROM apps WHERE show_in_portal ORDER BY sort_rank = 0, sort_rank, title, name"
        )
        return [row for row in rows if self._access.may_view(user, row)]

    def counts(self, user: User) -> list[dict[str, Any]]:
        """How many apps each user owns: for admins of all, for others of themselves."""
        need_seat(user)
        rows = self._db.all(
            "SELECT owner, count(*) AS number FROM apps WHERE ? OR owner = ? GROUP BY owner",
            user.is_admin,
            user.username,
        )
        return [{"username": row["owner"], "count": row["number"]} for row in rows]

    async def create(self, user: User, name: str) -> sqlite3.Row:
        """Create an app.

        Raises `NotPermitted` for a user without a seat, `UsageError` for an illegal name,
        `Refused` for one that is taken.
        """
        need_seat(user)
        check_name(name)
        if self.find(name):
            raise Refused(
                "An app with this name already exists in this Dash Server. "
                "Please choose a different name."
            )
        now = timestamp()
        app_id = self._db.execute(
            "INSERT INTO apps (name, owner, title, permission_level, created, updated)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            name,
            user.username,
            name,
            self._settings.view_access,
            now,
            now,
        )
        return self._db.one("SELECT * FROM apps WHERE id = ?", app_id)

    def update(self, app: sqlite3.Row, metadata: Mapping[str, Any]) -> sqlite3.Row:
        """Change the metadata that is given. Raises `UsageError` naming a bad value."""
        values = {COLUMNS[n]: v for n, v in metadata.items() if n in COLUMNS and v is not None}
        contact = metadata.get("contact") or {}
        for field in ("name", "email"):
            if contact.get(field) is not None:
                values[f"contact_{field}"] = contact[field]
        mail = values.get("contact_email")
        if mail and not MAIL.fullmatch(mail):
            raise UsageError(f"{mail!r} is not an e-mail address.")
        if not -(2**31) <= values.get("sort_rank", 0) < 2**31:
            raise UsageError(f"{values['sort_rank']} is out of range for a rank.")
        for column, value in values.items():
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                raise UsageError(f"{column} is longer than {LONGEST_TEXT} characters.")
        if values:
            columns = ", ".join(f"{name} = ?" for name in [*values, "updated"])
            self._db.execute(
                f"UPDATE apps SET {columns} WHERE id = ?", *values.values(), timestamp(), app["id"]
            )
        return self._db.one("SELECT * FROM apps WHERE id = ?", app["id"])

    def set_thumbnail(self, app: sqlite3.Row, data: bytes) -> sqlite3.Row:
        """Keep a picture. Raises `UsageError` for what is no small PNG or JPEG."""
        kind = check_image(data, THUMBNAIL_LIMIT)
        folder = self._releases.app(app["id"], app["name"]).folder
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "thumbnail.partial"
        partial.write_bytes(data)
        partial.replace(folder / f"thumbnail.{kind}")
        self._db.execute("UPDATE apps SET thumbnail = ? WHERE id = ?", kind, app["id"])
        return self._db.one("SELECT * FROM apps WHERE id = ?", app["id"])

    def thumbnail(self, app: sqlite3.Row) -> Path | None:
        """The file of the app's picture."""
        folder = self._releases.app(app["id"], app["name"]).folder
        return folder / f"thumbnail.{app['thumbnail']}" if app["thumbnail"] else None

    async def set_persistent(self, app: sqlite3.Row, enabled: bool) -> sqlite3.Row:
        """Give the app a persistent filesystem, or take it away with what is in it."""
        if bool(app["persistent"]) != enabled:
            running = self._releases.app(app["id"], app["name"])
            # First what may be refused. What a kill leaves behind, the next start arranges.
            await asyncio.to_thread(arrange_persistent, running, enabled)
            self._db.execute("UPDATE apps SET persistent = ? WHERE id = ?", enabled, app["id"])
        return self._db.one("SELECT * FROM apps WHERE id = ?", app["id"])

    async def set_python(self, app: sqlite3.Row, version: str) -> sqlite3.Row:
        """Set the Python that builds are made with from the next one on; an empty one is the
        sandbox's own. Raises `UsageError` for no minor version, `NotFound` for one that is not
        on this machine."""
        if version:
            await asyncio.to_thread(pythons.need, version)
        self._db.execute("UPDATE apps SET python = ? WHERE id = ?", version, app["id"])
        return self._db.one("SELECT * FROM apps WHERE id = ?", app["id"])

    async def delete(self, user: User, name: str | None) -> None:
        """Delete an app with its processes, code and logs.

        Raises `NotPermitted` for a co-owner: only the owner and admins delete.
        """
        row = self.need(user, name)
        if not self._access.may_delete(user, row):
            raise NotPermitted(f"Only {row['owner']}, who owns {name}, or an admin may delete it.")
        self._db.execute("DELETE FROM apps WHERE id = ?", row["id"])
        await self._builds.stop(row["id"])
        await self._releases.forget(self._releases.app(row["id"], row["name"]))
        await self._repositories.remove(row["id"])

    def move(self, admin: User, source: str, target: User) -> None:
        """Give all apps and services of a user to another one."""
        need_admin(admin, "Moving apps and services")
        with self._db.transaction():
            for table in ("apps", "services"):
                self._db.execute(
                    f"UPDATE {table} SET owner = ? WHERE owner = ?", target.username, source
                )
            self._db.execute(
                "INSERT INTO admin_tasks (source, target, name, status) VALUES (?, ?, ?, ?)",
                source,
                target.username,
                "moveAppsAndServices",
                "done",
            )

    def transfer(self, admin: User, app: sqlite3.Row, source: User, target: User) -> sqlite3.Row:
        """Give an app, with its services, to another owner.

        Raises `NotPermitted` for who is no admin and where one of both users has no seat,
        `Refused` where the app is the other user's already or shares a service with another app.
        """
        need_admin(admin, "Transferring an app")
        for user in (source, target):
            if not user.has_seat:
                raise NotPermitted(
                    f"{user.username} has no license seat: both users of a transfer need one."
                )
        if target.username == source.username:
            raise Refused(f"{app['name']} belongs to {target.username} already.")
        linked = "SELECT service_id FROM links WHERE app_id = ?"
        with self._db.transaction():
            # A service that is linked belongs to the owner of all its apps.
            shared = self._db.find(
                "SELECT services.name AS service, apps.name AS app FROM links"
                " JOIN apps ON apps.id = app_id JOIN services ON services.id = service_id"
                f" WHERE app_id != ? AND service_id IN ({linked})",
                app["id"],
                app["id"],
            )
            if shared:
                raise Refused(
                    f"{shared['service']} is linked to {shared['app']} too: unlink it from one of "
                    "them first."
                )
            self._db.execute(
                f"UPDATE services SET owner = ? WHERE id IN ({linked})", target.username, app["id"]
            )
            self._db.execute("UPDATE apps SET owner = ? WHERE id = ?", target.username, app["id"])
        return self._db.one("SELECT * FROM apps WHERE id = ?", app["id"])

    def visited(self, app: sqlite3.Row) -> None:
        """Somebody asks for the app."""
        now = time.monotonic()
        if now - self._visits.get(app["id"], -VISIT_SECONDS) >= VISIT_SECONDS:
            self._visits[app["id"]] = now
            self._db.execute("UPDATE apps SET visited = ? WHERE id = ?", timestamp(), app["id"])


def check_name(name: str) -> None:
    """Raise `UsageError` for a name that the platform does not take."""
    if not APP_NAME.fullmatch(name) or not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise UsageError(
            f"Invalid app name. Names should be between {SHORTEST_NAME} to {LONGEST_NAME} "
            "characters long, start with a letter, and only contain lower case letters, numbers, "
            "and -"
        )
    if name in RESERVED:
        raise UsageError(f"'{name}' is an address of the platform itself: choose another name.")


def check_image(data: bytes, limit: int) -> str:
    """`png` or `jpeg`, by content. Raises `UsageError` for anything else or larger."""
    kind = image_type(data)
    if kind is None:
        raise UsageError("The file is neither a PNG nor a JPEG picture.")
    if len(data) > limit:
        raise UsageError(f"The picture has {len(data)} bytes; the limit is {limit}.")
    return kind
