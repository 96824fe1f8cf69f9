"""Users of a sandbox, their logins and their browsers' sessions, made in its data folder.

The doors for passwords are for the tests that are about them: each of these has limits that a
test would spend for others.
"""

from __future__ import annotations

import functools
import json
import secrets
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import cast

from argon2 import PasswordHasher
from joserfc.jwk import RSAKey

from de_tasks.auth.login import Login
from de_tasks.config.host import Host
from de_tasks.server import control
from de_tasks.server.database import Database, timestamp
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.accounts import Accounts, User, key_seed
from de_tasks.server.users.sessions import SECONDS
from de_tasks.server.users.tokens import Tokens, TokenSet, digest, signing_key

PASSWORD = "correct horse battery"
"""Of every user who is made here."""
ROLES = {"admin": "admin", "viewer": "viewer"}
"""What users of these names are; all others have a seat."""
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAP = HASHER.hash(PASSWORD)


class Backstage:
    """The books of a sandbox that runs, or has run, on this machine."""

    def __init__(self, running: control.Running) -> None:
        self.running = running
        self.file = running.data / "sandbox.sqlite3"

    @functools.cached_property
    def _key(self) -> RSAKey:
        """Read once: checking it takes as long as a command."""
        return signing_key(self.running.data)

    def add(
        self, stem: str = "dev", role: str = "", groups: Sequence[str] = (), exact: bool = False
    ) -> str:
        """Make a user whom no other test has; returns the name, which begins with `stem`."""
        name = stem if exact else f"{stem}-{secrets.token_hex(3)}"
        with closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            database.execute(
                "INSERT INTO users (username, password_hash, role, created, key_seed)"
                " VALUES (?, ?, ?, ?, ?)",
                (name, CHEAP, role or ROLES.get(stem, "licensed_user"), timestamp(), key_seed()),
            )
            members = [(group, name) for group in groups]
            database.executemany("INSERT INTO members VALUES (?, ?)", members)
        return name

    def tokens(self, username: str) -> TokenSet:
        """The tokens of a new login, as the token endpoint gives them."""
        settings = ServerSettings(
            self.running.data, self.running.port, tls=self.running.url.startswith("https")
        )
        database = Database(self.file)
        try:
            # A grant asks nothing of the accounts, and making them takes a while on purpose.
            issuer = Tokens(database, cast(Accounts, None), settings, self._key)
            return issuer.grant(User(username, self._role(username)), "openid offline_access")
        finally:
            database.close()

    def login(self, username: str, url: str = "") -> Login:
        """A new login, as the client keeps it, for the sandbox or what stands before it."""
        made = self.tokens(username)
        return Login(
            host=Host.parse(url or self.running.url).name,
            username=username,
            access_token=made.access_token,
            refresh_token=made.refresh_token,
            expires=time.time() + made.expires_in,
            ca_path=self.running.ca_path,
        )

    def session(self, username: str) -> str:
        """A new session in a browser: the value of its cookie."""
        cookie = secrets.token_urlsafe(32)
        values = (digest(cookie), username, secrets.token_urlsafe(16), time.time() + SECONDS)
        with closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            database.execute(
                "INSERT INTO sessions (hash, username, csrf, expires, started, browser)"
                " VALUES (?, ?, ?, ?, ?, '')",
                (*values, timestamp()),
            )
        return cookie

    def password(self, username: str) -> str:
        """The user's password."""
        first: dict[str, str] = json.loads((self.running.data / "passwords.json").read_text())
        return first.get(username, PASSWORD)

    def hash_cheaply(self, username: str) -> None:
        """Keep the password, and let a sign-in with it cost next to nothing."""
        values = (HASHER.hash(self.password(username)), username)
        with closing(sqlite3.connect(self.file, timeout=30)) as database, database:
            database.execute("UPDATE users SET password_hash = ? WHERE username = ?", values)

    def key(self, username: str) -> str:
        """The user's API key."""
        return str(control.administer(self.running, "api-key", {"username": username})["key"])

    def _role(self, username: str) -> str:
        with closing(sqlite3.connect(self.file, timeout=30)) as database:
            line = "SELECT role FROM users WHERE username = ?"
            role: str = database.execute(line, (username,)).fetchone()[0]
        return role


@functools.cache
def backstage(running: control.Running) -> Backstage:
    """The books of a sandbox."""
    return Backstage(running)
