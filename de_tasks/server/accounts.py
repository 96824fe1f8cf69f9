"""Users, their roles, and their passwords, hashed with Argon2id."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from de_tasks.server.database import Database, timestamp

FIRST_USERS = {"admin": "admin", "dev": "licensed_user", "viewer": "viewer"}
"""User name to role, for a new data directory."""


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

    def __init__(self, database: Database) -> None:
        self._db = database
        self._hasher = PasswordHasher()
        # Checked for unknown users, so that the time taken does not tell who exists.
        self._decoy = self._hasher.hash(secrets.token_urlsafe())

    def get(self, username: str) -> User | None:
        """The user of that name."""
        row = self._db.find("SELECT username, role FROM users WHERE username = ?", username)
        return User(row["username"], row["role"]) if row else None

    def add(self, username: str, role: str, password: str) -> None:
        """Create a user; the name is kept in lower case, as the platform asks."""
        self._db.execute(
            "INSERT INTO users VALUES (?, ?, ?, ?)",
            username.lower(),
            self._hasher.hash(password),
            role,
            timestamp(),
        )

    async def sign_in(self, username: str, password: str) -> User | None:
        """The user, if the password is theirs. Hashing runs beside the event loop."""
        row = self._db.find(
            "SELECT password_hash FROM users WHERE username = ?", username.strip().lower()
        )
        stored = row["password_hash"] if row else self._decoy
        right = await asyncio.to_thread(self._matches, stored, password)
        return self.get(username.strip().lower()) if right and row else None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

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


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its creation on, all or nothing."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
