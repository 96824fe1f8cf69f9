"""Sessions of people who signed in to the platform with a browser."""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from de_tasks.server.database import Database, timestamp
from de_tasks.server.users.accounts import Accounts, User
from de_tasks.server.users.cookies import Cookies
from de_tasks.server.users.tokens import digest

SECONDS = 12 * 3600
LONGEST_AGENT = 200


@dataclass(frozen=True)
class Session:
    """A signed-in user, and the token that the user's forms carry."""

    user: User
    csrf: str
    hash: str


class Sessions:
    """The sessions of a sandbox; the cookie's value is stored as a hash only."""

    def __init__(self, database: Database, accounts: Accounts, cookies: Cookies) -> None:
        self._db = database
        self._accounts = accounts
        self._cookies = cookies
        self._secret = secrets.token_bytes(32)

    def begin(self, request: Request, response: Response, user: User) -> None:
        """Sign the user in: a new session each time, its cookie set on the answer.

        What the browser sent before is worth nothing from here on: an attacker may have put
        it there (session fixation).
        """
        self.end(request, response)
        cookie = secrets.token_urlsafe(32)
        self._db.execute("DELETE FROM sessions WHERE expires < ?", time.time())
        self._db.execute(
            "INSERT INTO sessions (hash, username, csrf, expires, started, browser)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            digest(cookie),
            user.username,
            secrets.token_urlsafe(16),
            time.time() + SECONDS,
            timestamp(),
            request.headers.get("user-agent", "")[:LONGEST_AGENT],
        )
        self._cookies.set(response, self._cookies.session, cookie, SECONDS)

    def end(self, request: Request, response: Response) -> None:
        """Sign out: the session ends, and with it every visit to an app that came of it."""
        for cookie in self._cookies.all(request.headers, self._cookies.session):
            self._db.execute("DELETE FROM sessions WHERE hash = ?", digest(cookie))
        self._cookies.delete(response, self._cookies.session)

    def of(self, request: Request) -> Session | None:
        """The session that the request's cookie belongs to."""
        cookie = self._cookies.get(request.headers, self._cookies.session)
        return self.find(digest(cookie)) if cookie else None

    def find(self, hashed: str) -> Session | None:
        """The session whose cookie has that hash, unless it has ended."""
        row = self._db.find(
            "SELECT * FROM sessions WHERE hash = ? AND expires > ?", hashed, time.time()
        )
        user = self._accounts.get(row["username"]) if row else None
        return Session(user, row["csrf"], row["hash"]) if row and user else None

    def all(self, user: User) -> list[sqlite3.Row]:
        """The user's sessions, the newest first: their hashes, since when, in which browser."""
        return self._db.all(
            "SELECT hash, started, browser FROM sessions WHERE username = ? AND expires > ?"
            " ORDER BY started DESC",
            user.username,
            time.time(),
        )

    def end_others(self, session: Session) -> None:
        """End all sessions of the user but this one."""
        self._db.execute(
            "DELETE FROM sessions WHERE username = ? AND hash != ?",
            session.user.username,
            session.hash,
        )

    def browser(self, request: Request) -> str:
        """What tells this browser from others: its cookie, or a new value to give it."""
        return self._cookies.get(request.headers, self._cookies.browser) or secrets.token_urlsafe()

    def form_token(self, browser: str) -> str:
        """The token of forms that are filled in before signing in, good for one browser."""
        return hmac.new(self._secret, browser.encode(), "sha256").hexdigest()

    def remember(self, response: Response, browser: str) -> None:
        """Give the browser its cookie."""
        self._cookies.set(response, self._cookies.browser, browser, SECONDS)


def same(given: object, token: str) -> bool:
    """Whether a form's token is the right one, compared in constant time."""
    return hmac.compare_digest(str(given).encode(), token.encode())
