"""Who may do what with an app: its owner, co-owners and viewers, users and groups of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

from de_tasks.errors import NotFound, NotPermitted
from de_tasks.server.database import Database
from de_tasks.server.users.accounts import Accounts, User

Relation = Literal["viewer", "co_owner"]


class Access:
    """The relations of users to apps."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._db = database
        self._accounts = accounts

    def names(self, app_id: int, relation: Relation) -> dict[str, list[str]]:
        """Users and teams of a relation, in the API's words."""
        rows = self._db.all(
            "SELECT kind, name FROM access WHERE app_id = ? AND relation = ? ORDER BY name",
            app_id,
            relation,
        )
        return {
            "users": [row["name"] for row in rows if row["kind"] == "user"],
            "teams": [row["name"] for row in rows if row["kind"] == "team"],
        }

    def has(self, user: User, app_id: int, relation: Relation) -> bool:
        """Whether the user is one, by name or as a member of a group."""
        return bool(
            self._db.find(
                "SELECT 1 FROM access WHERE app_id = ? AND relation = ? AND"
                " (kind = 'user' AND name = ? OR kind = 'team' AND name IN"
                " (SELECT groupname FROM members WHERE username = ?))",
                app_id,
                relation,
                user.username,
                user.username,
            )
        )

    def may_manage(self, user: User, app: sqlite3.Row) -> bool:
        """Admins manage all apps; with a seat, owners and co-owners manage theirs."""
        if user.is_admin:
            return True
        owns = app["owner"] == user.username or self.has(user, app["id"], "co_owner")
        return user.has_seat and owns

    def may_view(self, user: User | None, app: sqlite3.Row) -> bool:
        """Whether viewer access of the app admits the user; None is somebody unknown."""
        if user is None or app["permission_level"] != "restricted":
            return app["permission_level"] == "unauthenticated" or user is not None
        return (
            user.is_admin
            or app["owner"] == user.username
            or self.has(user, app["id"], "viewer")
            or self.has(user, app["id"], "co_owner")
        )

    def may_delete(self, user: User, app: sqlite3.Row) -> bool:
        """Only the owner and admins."""
        return user.is_admin or (user.has_seat and app["owner"] == user.username)

    def add(
        self, app_id: int, relation: Relation, users: Sequence[str], teams: Sequence[str]
    ) -> None:
        """Add users and groups; empty names are passed over, as published scripts send them.

        Raises `NotFound` for a name that nobody has, `NotPermitted` for a co-owner without a
        seat; nothing is added then.
        """
        named = [("user", u.strip().lower()) for u in users if u.strip()]
        named += [("team", t.strip()) for t in teams if t.strip()]
        for kind, name in named:
            people = self._people(kind, name)
            seatless = [p.username for p in people if not p.has_seat]
            if relation == "co_owner" and seatless:
                raise NotPermitted(
                    f"{', '.join(seatless)} {'has' if len(seatless) == 1 else 'have'} no license "
                    "seat: co-owners, and all members of a co-owner group, need one."
                )
        with self._db.transaction():
            for kind, name in named:
                self._db.execute(
                    "INSERT OR IGNORE INTO access VALUES (?, ?, ?, ?)", app_id, relation, kind, name
                )

    def remove(
        self, app_id: int, relation: Relation, users: Sequence[str], teams: Sequence[str]
    ) -> None:
        """Remove users and groups; who is none is no error."""
        with self._db.transaction():
            for kind, names in (("user", [u.lower() for u in users]), ("team", teams)):
                for name in names:
                    self._db.execute(
                        "DELETE FROM access WHERE app_id = ? AND relation = ?"
                        " AND kind = ? AND name = ?",
                        app_id,
                        relation,
                        kind,
                        name.strip(),
                    )

    def _people(self, kind: str, name: str) -> list[User]:
        if kind == "team":
            members = self._accounts.members(name)
            if not members:
                raise NotFound(f"There is no group {name!r}.")
            return members
        user = self._accounts.get(name)
        if user is None:
            raise NotFound(f"There is no user {name!r}.")
        return [user]


def need_seat(user: User) -> None:
    """Raise `NotPermitted` for a user without a license seat."""
    if not user.has_seat:
        raise NotPermitted(f"{user.username} has no license seat, and managing apps needs one.")


def need_admin(user: User, what: str) -> None:
    """Raise `NotPermitted` for a user who is no admin."""
    if not user.is_admin:
        raise NotPermitted(f"{what} is for admins.")
