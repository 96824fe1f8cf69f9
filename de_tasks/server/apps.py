"""Apps: who owns them, who may do what, creating and deleting them."""

from __future__ import annotations

import sqlite3

from de_tasks.appspec import APP_NAME
from de_tasks.errors import NotPermitted, UsageError
from de_tasks.server.accounts import User
from de_tasks.server.builds import Builds
from de_tasks.server.database import Database, timestamp
from de_tasks.server.releases import Releases
from de_tasks.server.repositories import Repositories

LONGEST_NAME = 30
RESERVED = frozenset(
    "admin api app apps auth dash docs git health login logout manager packages portal static"
    " workspaces".split()
)
PAGE = 50


class Apps:
    """The apps of a sandbox. Where a user stands in front, rights are checked."""

    def __init__(
        self, database: Database, repositories: Repositories, releases: Releases, builds: Builds
    ) -> None:
        self._db = database
        self._repositories = repositories
        self._releases = releases
        self._builds = builds

    def find(self, name: str) -> sqlite3.Row | None:
        """The app of that name."""
        return self._db.find("SELECT * FROM apps WHERE name = ?", name)

    def managed(self, user: User, name: str) -> sqlite3.Row | None:
        """The app of that name, None when there is none or the user may not manage it."""
        row = self.find(name)
        return row if row and self.may_manage(user, row) else None

    def may_manage(self, user: User, app: sqlite3.Row) -> bool:
        """Admins manage all apps; with a seat, owners and co-owners manage theirs."""
        if user.is_admin:
            return True
        return user.has_seat and (
            app["owner"] == user.username or user.username in self.co_owners(app["id"])
        )

    def co_owners(self, app_id: int) -> list[str]:
        """Users that manage the app besides its owner."""
        rows = self._db.all("SELECT username FROM co_owners WHERE app_id = ?", app_id)
        return [row["username"] for row in rows]

    def listing(self, user: User, page: int, name: str | None) -> tuple[list[sqlite3.Row], bool]:
        """A page of the apps that the user manages, and whether there is a next one."""
        rows = self._db.all(
            "SELECT * FROM apps WHERE (?1 OR owner = ?2 OR id IN"
            " (SELECT app_id FROM co_owners WHERE username = ?2))"
            " AND (?3 IS NULL OR name = ?3) ORDER BY name LIMIT ?4 OFFSET ?5",
            user.is_admin,
            user.username if user.has_seat else None,
            name,
            PAGE + 1,
            PAGE * (max(page, 1) - 1),
        )
        return rows[:PAGE], len(rows) > PAGE

    async def create(self, user: User, name: str) -> sqlite3.Row | str:
        """Create an app; returns it, or the sentence that refuses it.

        Raises `NotPermitted` for a user without a seat, `UsageError` for an illegal name.
        """
        if not user.has_seat:
            raise NotPermitted(
                f"{user.username} has no license seat: creating and deploying apps needs one."
            )
        check_name(name)
        if self.find(name):
            return f"The name {name} is already taken."
        now = timestamp()
        with self._db.transaction():
            app_id = self._db.execute(
                "INSERT INTO apps (name, owner, title, created, updated) VALUES (?, ?, ?, ?, ?)",
                name,
                user.username,
                name,
                now,
                now,
            )
        await self._repositories.create(app_id)
        return self._db.one("SELECT * FROM apps WHERE id = ?", app_id)

    async def delete(self, user: User, name: str) -> str | None:
        """Delete an app with its processes, code and logs; returns the sentence that refuses it.

        Raises `NotPermitted` for a co-owner: only the owner and admins delete.
        """
        row = self.managed(user, name)
        if row is None:
            return f"App {name} does not exist."
        if not user.is_admin and row["owner"] != user.username:
            raise NotPermitted(f"Only {row['owner']}, who owns {name}, or an admin may delete it.")
        self._db.execute("DELETE FROM apps WHERE id = ?", row["id"])
        await self._builds.stop(row["id"])
        await self._releases.forget(self._releases.app(row["id"], name))
        self._repositories.remove(row["id"])
        return None


def check_name(name: str) -> None:
    """Raise `UsageError` for a name that the platform does not take."""
    if not APP_NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' is not a legal app name: it starts with a lower-case letter and has"
            " only a-z, 0-9 and -."
        )
    if len(name) > LONGEST_NAME:
        raise UsageError(
            f"'{name}' is too long for an app name: {len(name)} characters, at most {LONGEST_NAME}."
        )
    if name in RESERVED:
        raise UsageError(f"'{name}' is an address of the platform itself: choose another name.")
