"""Services: databases that users own and link to apps.

A service that is linked belongs to the owner of its apps, who is one person. Whoever manages such
an app sees the service and may unlink it, but only its owner deletes it or links it to a further
app. So nobody keeps a way to the data who no longer has one to the app.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, cast

from de_tasks.appspec import URL_VARIABLE
from de_tasks.errors import DeTasksError, NotFound, NotPermitted, UsageError
from de_tasks.server.database import Database, timestamp
from de_tasks.server.errors import Refused
from de_tasks.server.services import memory
from de_tasks.server.users.access import Access, need_seat
from de_tasks.server.users.accounts import User

Kind = Literal["redis", "postgres"]
NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")

logger = logging.getLogger(__name__)


class Servers(Protocol):
    """The database servers themselves."""

    async def create(self, kind: Kind, name: str) -> None:
        """Make a database."""

    async def url(self, kind: Kind, name: str) -> str:
        """The address with user and password; starts the server if need be."""

    async def delete(self, kind: Kind, name: str) -> None:
        """Delete a database with its data."""

    def status(self, kind: Kind, name: str) -> str:
        """`running` or `down`."""

    async def limit(self, kind: Kind, name: str, memory: int) -> None:
        """Let its data take at most that many bytes of memory; 0: no limit."""

    def memory(self, kind: Kind, name: str) -> int:
        """The limit in bytes; 0 without one."""

    def exists(self, kind: Kind, name: str) -> bool:
        """Whether the database was made to the end."""

    async def keep(self, kind: Kind, names: set[str]) -> None:
        """Delete all other databases."""


class Services:
    """The services of a sandbox."""

    def __init__(
        self,
        database: Database,
        access: Access,
        servers: Servers,
        changed: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._db = database
        self._access = access
        self._servers = servers
        self._changed = changed
        # Not to be seen before they are whole.
        self._making: set[int] = set()

    async def recover(self) -> None:
        """Undo what was half made, and finish what was half deleted, when the sandbox ended."""
        for kind in URL_VARIABLE:
            keep = set()
            for row in self._db.all("SELECT * FROM services WHERE type = ?", kind):
                if self._servers.exists(cast(Kind, kind), _unique(row)):
                    keep.add(_unique(row))
                else:
                    self._db.execute("DELETE FROM services WHERE id = ?", row["id"])
            try:
                await self._servers.keep(cast(Kind, kind), keep)
            except DeTasksError as error:
                logger.error("databases that are not needed are still there: %s", error)

    def visible(self, user: User) -> list[sqlite3.Row]:
        """The services that the user owns, and those linked to apps that the user manages."""
        need_seat(user)
        rows = self._db.all("SELECT * FROM services ORDER BY name, type")
        return [row for row in rows if self._may(user, row)]

    def apps(self, service_id: int) -> list[str]:
        """Names of the apps that a service is linked to."""
        rows = self._db.all(
            "SELECT name FROM apps JOIN links ON app_id = apps.id WHERE service_id = ?"
            " ORDER BY name",
            service_id,
        )
        return [row["name"] for row in rows]

    def linked(self, app_id: int) -> list[sqlite3.Row]:
        """The services that are linked to an app."""
        return self._db.all(
            "SELECT services.* FROM services JOIN links ON service_id = services.id"
            " WHERE app_id = ? ORDER BY type",
            app_id,
        )

    def status(self, row: sqlite3.Row) -> str:
        """`running` or `down`."""
        return self._servers.status(row["type"], _unique(row))

    def memory(self, row: sqlite3.Row) -> str | None:
        """The most memory that its data may take, such as `512Mi`; None without a limit."""
        limit = self._servers.memory(row["type"], _unique(row))
        return memory.words(limit) if limit else None

    async def limit(
        self, user: User, name: str | None, kind: Kind, amount: str | None
    ) -> sqlite3.Row:
        """Set the memory limit of a service, or lift it without one; whoever sees it may.

        Raises `UsageError` for what is no amount of memory.
        """
        row = self.need(user, name, kind)
        wanted = memory.amount(amount) if amount else 0
        await self._servers.limit(kind, _unique(row), wanted)
        return row

    async def urls(self, app_id: int) -> dict[str, str]:
        """The variables that tell an app of its services."""
        found = {}
        for row in self.linked(app_id):
            found[URL_VARIABLE[row["type"]]] = await self._servers.url(row["type"], _unique(row))
        return found

    async def add(self, user: User, name: str | None, kind: Kind) -> sqlite3.Row:
        """Create a service that nothing is linked to yet. Raises `Refused` for a taken name."""
        need_seat(user)
        if not NAME.fullmatch(name or ""):
            raise UsageError(
                f"{name!r} is not a legal service name: it starts with a lower-case letter and "
                "has only a-z, 0-9 and -, at most 60 of them."
            )
        if self._db.find("SELECT 1 FROM services WHERE name = ? AND type = ?", name, kind):
            # Published programs compare this sentence.
            raise Refused(
                "A service with the given name already exists. Please choose a different name."
            )
        service_id = self._db.execute(
            "INSERT INTO services (name, type, owner, created) VALUES (?, ?, ?, ?)",
            name,
            kind,
            user.username,
            timestamp(),
        )
        row = self._db.one("SELECT * FROM services WHERE id = ?", service_id)
        self._making.add(service_id)
        try:
            await self._servers.create(kind, _unique(row))
        except BaseException:
            self._db.execute("DELETE FROM services WHERE id = ?", service_id)
            raise
        finally:
            self._making.discard(service_id)
        return row

    async def delete(self, user: User, name: str | None, kind: Kind) -> None:
        """Delete a service and its data.

        Raises `NotPermitted` for who is not its owner, `Refused` while several apps are linked to
        it.
        """
        row = self._need_own(user, name, kind, "delete")
        apps = self.apps(row["id"])
        if len(apps) > 1:
            raise Refused(
                f"{name} is linked to {', '.join(apps)}: unlink it from all but one first, so "
                "that no app loses its data by accident."
            )
        linked = self._db.all("SELECT app_id FROM links WHERE service_id = ?", row["id"])
        self._db.execute("DELETE FROM services WHERE id = ?", row["id"])
        await self._servers.delete(kind, _unique(row))
        for link in linked:
            await self._changed(link["app_id"])

    async def link(self, user: User, app: sqlite3.Row, name: str | None, kind: Kind) -> bool:
        """Link a service to an app, which is restarted; returns whether it will be.

        With its first app the service passes to the app's owner. Raises `NotPermitted` for who is
        not the service's owner, `Refused` where it is linked to an app of another owner.
        """
        row = self._need_own(user, name, kind, "link")
        for other in self.linked(app["id"]):
            if other["type"] == kind and other["id"] != row["id"]:
                raise Refused(
                    f"{app['name']} has a {kind} service already, {other['name']}: "
                    f"{URL_VARIABLE[kind]} can name one only."
                )
        if row["owner"] != app["owner"] and (apps := self.apps(row["id"])):
            raise Refused(
                f"{name} is linked to {', '.join(apps)} of {row['owner']}, and {app['name']} "
                f"belongs to {app['owner']}: create a service of its own for {app['name']}."
            )
        with self._db.transaction():
            self._db.execute("INSERT OR IGNORE INTO links VALUES (?, ?)", row["id"], app["id"])
            self._db.execute("UPDATE services SET owner = ? WHERE id = ?", app["owner"], row["id"])
        return await self._changed(app["id"])

    async def unlink(self, user: User, app: sqlite3.Row, name: str | None, kind: Kind) -> bool:
        """Take the link away again."""
        row = self.need(user, name, kind)
        if not self._db.changed(
            "DELETE FROM links WHERE service_id = ? AND app_id = ?", row["id"], app["id"]
        ):
            raise NotFound(f"{name} is not linked to {app['name']}.")
        return await self._changed(app["id"])

    def need(self, user: User, name: str | None, kind: Kind) -> sqlite3.Row:
        """The service of that name and kind. Raises `NotFound`."""
        need_seat(user)
        row = self._db.find("SELECT * FROM services WHERE name = ? AND type = ?", name, kind)
        if row is None or not self._may(user, row):
            raise NotFound(f"There is no {kind} service {name}.")
        return row

    def _need_own(self, user: User, name: str | None, kind: Kind, what: str) -> sqlite3.Row:
        """The service that the user sees and owns. Raises `NotFound` or `NotPermitted`."""
        row = self.need(user, name, kind)
        if not user.is_admin and row["owner"] != user.username:
            raise NotPermitted(
                f"Only {row['owner']}, who owns the {kind} service {name}, or an admin may "
                f"{what} it."
            )
        return row

    def _may(self, user: User, row: sqlite3.Row) -> bool:
        if row["id"] in self._making:
            return False
        if user.is_admin or row["owner"] == user.username:
            return True
        apps = self._db.all(
            "SELECT apps.* FROM apps JOIN links ON app_id = apps.id WHERE service_id = ?",
            row["id"],
        )
        return any(self._access.may_manage(user, app) for app in apps)


def _unique(row: sqlite3.Row) -> str:
    # The number tells a service from an earlier one of the same name.
    return f"{row['name'][:40]}-{row['id']}"
