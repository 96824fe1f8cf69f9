"""Users as an admin manages them: new ones, roles, groups, passwords, locks."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.users.accounts import Accounts, User
from de_tasks.server.users.throttle import Throttle

ROLES = ("viewer", "licensed_user", "admin")
# Keycloak takes more; these need no quoting anywhere.
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
GROUP = re.compile(r"[^\s,][^,\n]{0,99}")


class Administration:
    """What is done to accounts by somebody else. Rights are checked by who calls."""

    def __init__(self, database: Database, accounts: Accounts, throttle: Throttle) -> None:
        self._db = database
        self._accounts = accounts
        self._throttle = throttle

    def add(
        self,
        username: str,
        role: str,
        groups: Sequence[str] = (),
        password: str = "",
        brokered: bool = False,
    ) -> str:
        """Create a user; returns the password, a new one where none is given.

        Raises `UsageError` for what is no name, role or group, `DeTasksError` for a name that is
        taken.
        """
        if not NAME.fullmatch(username):
            raise UsageError(
                f"{username!r} is not a user name: lower-case letters, digits and ._@+- are "
                "allowed."
            )
        _check(role, groups)
        password = password or _password()
        if self._accounts.get(username):
            raise DeTasksError(f"There is a user {username} already.")
        self._accounts.add(username, role, password, brokered)
        self._accounts.join(username, list(groups))
        return password

    def set_role(self, admin: User, username: str, role: str) -> None:
        """Give a user another role. Raises `Refused` for oneself, and for one who would own
        apps or services without a seat."""
        user = self._need(username)
        _check(role)
        if user.username == admin.username:
            raise Refused("You cannot change your own role.")
        for table in ("apps", "services") if role == "viewer" else ():
            line = f"SELECT count(*) AS number FROM {table} WHERE owner = ?"
            if number := self._db.one(line, user.username)["number"]:
                raise Refused(
                    f"{user.username} owns {number} {table}, and owning needs a license seat: "
                    "give them to somebody else first."
                )
        line = "UPDATE users SET role = ? WHERE username = ?"
        self._db.execute(line, role, user.username)

    def set_groups(self, username: str, groups: Sequence[str]) -> None:
        """Make a user a member of these groups and of no other."""
        user = self._need(username)
        _check(user.role, groups)
        with self._db.transaction():
            self._db.execute("DELETE FROM members WHERE username = ?", user.username)
            self._accounts.join(user.username, list(groups))

    def reset_password(self, admin: User, username: str) -> str:
        """Replace a forgotten password, which ends the user's logins; returns the new one."""
        user = self._need(username)
        if user.username == admin.username:
            raise Refused("You cannot reset your own password.")
        password = _password()
        self._accounts.set_password(user.username, password)
        self._throttle.succeeded(user.username)
        return password

    def unlock(self, username: str) -> None:
        """Let a user sign in again at once after too many wrong passwords."""
        self._throttle.succeeded(self._need(username).username)

    def locked(self, username: str) -> bool:
        """Whether the user has to wait after too many wrong passwords."""
        return self._throttle.locked(username)

    def _need(self, username: str) -> User:
        user = self._accounts.get(username)
        if user is None:
            raise NotFound(f"There is no user {username!r}.")
        return user


def _check(role: str, groups: Sequence[str] = ()) -> None:
    if role not in ROLES:
        raise UsageError(f"{role!r} is not a role. Roles: {', '.join(ROLES)}")
    for group in groups:
        if not GROUP.fullmatch(group):
            raise UsageError(f"{group!r} is not a name of a group.")


def _password() -> str:
    return secrets.token_urlsafe(12)
