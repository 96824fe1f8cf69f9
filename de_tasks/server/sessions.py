"""Sessions of people who signed in to the platform with a browser."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from de_tasks.server.accounts import Accounts, User
from de_tasks.server.database import Database
from de_tasks.server.tokens import digest

COOKIE = "de_session"
SECONDS = 12 * 3600


@dataclass(frozen=True)
class Session:
    """A signed-in user, and the token that the user's forms carry."""

    user: User
    csrf: str


class Sessions:
    """The sessions of a sandbox; the cookie's value is stored as a hash only."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._db = database
        self._accounts = accounts

    def begin(self, response: Response, user: User) -> None:
        """Sign the user in: a new session each time, its cookie set on the answer."""
        cookie = secrets.token_urlsafe(32)
        self._db.execute("DELETE FROM sessions WHERE expires < ?", time.time())
        self._db.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?)",
            digest(cookie),
            user.username,
            secrets.token_urlsafe(16),
            time.time() + SECONDS,
        )
        response.set_cookie(COOKIE, cookie, max_age=SECONDS, httponly=True, samesite="lax")

    def of(self, request: Request) -> Session | None:
        """The session that the request's cookie belongs to."""
        row = self._db.find(
            "SELECT * FROM sessions WHERE hash = ? AND expires > ?",
            digest(request.cookies.get(COOKIE, "")),
            time.time(),
        )
        user = self._accounts.get(row["username"]) if row else None
        return Session(user, row["csrf"]) if row and user else None
