"""Users, their roles, and their passwords, hashed with Argon2id."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from de_tasks.server.database import Database, timestamp
from de_tasks.server.files import write_private
from de_tasks.server.users.throttle import Throttle, TooManyAttempts

FIRST_USERS = {"admin": "admin", "dev": "licensed_user", "viewer": "viewer"}
"""User name to role, for a new data directory."""
LONGEST_SECRET = 1000
"""Characters of a user name or password that are looked at."""
MOST_WAITING = 50
ARGON2ID = dataclasses.replace(
    RFC_9106_LOW_MEMORY, memory_cost=19 * 1024, time_cost=2, parallelism=1
)
"""KiB, passes and lanes: the least that OWASP's Password Storage Cheat Sheet recommends."""


def key_seed() -> str:
    """What the API key of a new account is made of."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class User:
    """A user; the roles nest: an admin has a seat, everybody may view."""

    username: str
    role: str

    @property
    def is_admin(self) -> bool:
        """May manage every app."""
        return self.role == "admin"

    @property
    def has_seat(self) -> bool:
        """May create apps and manage those owned or co-owned."""
        return self.role in ("licensed_user", "admin")


class Accounts:
    """The users of a sandbox."""

    def __init__(self, database: Database, secret_file: Path, throttle: Throttle) -> None:
        self._db = database
        self._throttle = throttle
        # Hashing takes memory and time on purpose: of as many as ask at once, two get it.
        self._hashing = asyncio.Semaphore(2)
        self._waiting = 0
        if not secret_file.exists():
            write_private(secret_file, secrets.token_hex(32))
        self._secret = secret_file.read_text("ascii").encode()
        self._hasher = PasswordHasher.from_parameters(ARGON2ID)
        # Checked for unknown users, so that the time taken does not tell who exists.
        self._decoy = self._hasher.hash(secrets.token_urlsafe())

    def get(self, username: str) -> User | None:
        """The user of that name."""
        row = self._db.find("SELECT username, role FROM users WHERE username = ?", username)
        return User(row["username"], row["role"]) if row else None

    def all(self) -> list[User]:
        """All users."""
        rows = self._db.all("SELECT username, role FROM users ORDER BY username")
        return [User(row["username"], row["role"]) for row in rows]

    def add(self, username: str, role: str, password: str, brokered: bool = False) -> None:
        """Create a user; the name is kept in lower case, as the platform asks."""
        self._db.execute(
            "INSERT INTO users (username, password_hash, role, created, brokered, key_seed)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            username.lower(),
            self._hasher.hash(password),
            role,
            timestamp(),
            brokered,
            key_seed(),
        )

    def join(self, username: str, groups: list[str]) -> None:
        """Make a user a member of groups, which need nothing else to exist."""
        for group in groups:
            self._db.execute("INSERT OR IGNORE INTO members VALUES (?, ?)", group, username)

    def groups_of(self, username: str) -> list[str]:
        """The groups that the user is a member of."""
        rows = self._db.all("SELECT groupname FROM members WHERE username = ?", username)
        return [row["groupname"] for row in rows]

    def members(self, group: str) -> list[User]:
        """The members of a group; empty for a group that is not there."""
        rows = self._db.all("SELECT username FROM members WHERE groupname = ?", group)
        return [user for row in rows if (user := self.get(row["username"]))]

    def api_key(self, username: str) -> str:
        """The user's key for HTTP Basic.

        It is computed from a random seed of the account and a secret of this sandbox that lies in a
        file of its own, so that it can be shown again and is stored nowhere.
        """
        row = self._db.one("SELECT key_seed, key_number FROM users WHERE username = ?", username)
        # Before there were seeds, a number counted the keys of a name.
        text = f"{username}:{row['key_seed'] or row['key_number']}".encode()
        digest = hmac.digest(self._secret, text, "sha256")
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def reset_api_key(self, username: str) -> str:
        """Make the present key worthless; returns the next one."""
        self._db.execute("UPDATE users SET key_seed = ? WHERE username = ?", key_seed(), username)
        return self.api_key(username)

    def has_api_key(self, username: str, key: str) -> User | None:
        """The user, if the key is theirs."""
        user = self.get(username)
        right = user and hmac.compare_digest(self.api_key(username).encode(), key.encode())
        return user if right else None

    def set_password(self, username: str, password: str) -> None:
        """Change a password; every login of the user ends, and the API key, which was shown to who
        had the password, is replaced."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE users SET password_hash = ?, key_seed = ? WHERE username = ?",
                self._hasher.hash(password),
                key_seed(),
                username,
            )
            self._db.execute("DELETE FROM grants WHERE username = ?", username)
            self._db.execute("DELETE FROM sessions WHERE username = ?", username)

    def delete(self, username: str) -> None:
        """Delete a user who owns nothing. Logins, sessions and memberships go with the row."""
        self._db.execute("DELETE FROM users WHERE username = ?", username)
        self._db.execute("DELETE FROM access WHERE kind = 'user' AND name = ?", username)

    async def sign_in(
        self, username: str, password: str, address: str, in_browser: bool = False
    ) -> User | None:
        """The user, if the password is theirs. Hashing runs beside the event loop.

        A brokered user has none for programs: in the browser, the sandbox stands in for the
        identity provider that such a user comes from.
        Raises `TooManyAttempts` for a user or an address that has failed too often of late.
        """
        name = username.strip().lower()[:LONGEST_SECRET]
        self._throttle.check(name, address)
        if self._waiting >= MOST_WAITING:
            raise TooManyAttempts(1)
        self._waiting += 1
        try:
            async with self._hashing:
                # Again, for those who failed while this one waited.
                self._throttle.check(name, address)
                stored = self._stored(name, in_browser)
                right = await asyncio.to_thread(self._matches, stored, password)
                if right and self._hasher.check_needs_rehash(stored):
                    await self._hash_anew(name, stored, password)
        finally:
            self._waiting -= 1
        user = self.get(name) if right else None
        if user is None:
            self._throttle.failed(name, address)
        else:
            self._throttle.succeeded(name)
        return user

    def _stored(self, username: str, brokered: bool) -> str:
        row = self._db.find(
            "SELECT password_hash FROM users WHERE username = ? AND (? OR NOT brokered)",
            username,
            brokered,
        )
        return row["password_hash"] if row else self._decoy

    def _matches(self, stored: str, password: str) -> bool:
        if len(password) > LONGEST_SECRET:
            return False
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _hash_anew(self, username: str, stored: str, password: str) -> None:
        """Replace a hash of other parameters: checking it takes another time than the decoy."""
        made = await asyncio.to_thread(self._hasher.hash, password)
        self._db.execute(
            "UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
            made,
            username,
            stored,
        )

    def create_first_users(self, passwords_file: Path) -> None:
        """Give a new sandbox its users, their random passwords written to a 0600 file."""
        if self._db.find("SELECT 1 FROM users"):
            return
        passwords = {name: secrets.token_urlsafe(12) for name in FIRST_USERS}
        # The file comes first: a user whose password nobody was told is of no use.
        write_private(passwords_file, json.dumps(passwords, indent=2) + "\n")
        with self._db.transaction():
            for name, role in FIRST_USERS.items():
                self.add(name, role, passwords[name])
