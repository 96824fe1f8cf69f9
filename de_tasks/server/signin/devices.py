"""The device grant's own side (RFC 8628): codes, and the page where a person says yes or no."""

from __future__ import annotations

import secrets
import sqlite3
import time
from datetime import datetime, timezone
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from de_tasks.server.database import Database
from de_tasks.server.http.bodies import read_form
from de_tasks.server.http.pages import Pages
from de_tasks.server.users.authorization_header import address_of
from de_tasks.server.users.sessions import Session, Sessions, same
from de_tasks.server.users.throttle import Throttle, TooManyAttempts
from de_tasks.server.users.tokens import digest
from de_tasks.server.web.ago import ago
from de_tasks.server.web.browser_name import browser_name

SECONDS = 600
INTERVAL = 2
MOST_WAITING = 1000
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, as RFC 8628 section 6.1 recommends: no words by accident."""


class Devices:
    """The codes that devices and people hold."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        pages: Pages,
        throttle: Throttle,
        host: str,
    ) -> None:
        self._host = host
        self._db = database
        self._throttle = throttle
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The route below the realm's address."""
        return [Route("/device", self.page, methods=["GET", "POST"])]

    def begin(self, scope: str, address: str, program: str) -> tuple[str, str] | None:
        """A code for the device and one for the person; None while too many devices wait.
        `address` is where the device asks from, `program` its User-Agent header."""
        self._db.execute("DELETE FROM device_codes WHERE expires < ?", time.time())
        (waiting,) = self._db.one("SELECT count(*) FROM device_codes")
        if waiting >= MOST_WAITING:
            return None
        device_code = secrets.token_urlsafe(32)
        letters = "".join(secrets.choice(LETTERS) for _ in range(8))
        user_code = f"{letters[:4]}-{letters[4:]}"
        self._db.execute(
            "INSERT INTO device_codes (hash, user_code, scope, expires, address, program)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            digest(device_code),
            user_code,
            scope,
            time.time() + SECONDS,
            address,
            browser_name(program) if program else "",
        )
        return device_code, user_code

    def poll(self, device_code: str) -> sqlite3.Row | str:
        """The answered request, taken out; or the error of RFC 8628, section 3.5."""
        hashed = digest(device_code)
        row = self._db.find("SELECT * FROM device_codes WHERE hash = ?", hashed)
        now = time.time()
        if row is None or row["expires"] < now:
            return "expired_token"
        if row["answer"] == "no":
            return "access_denied"
        if row["answer"] is None:
            too_soon = now - row["polled"] < INTERVAL * 0.9
            self._db.execute("UPDATE device_codes SET polled = ? WHERE hash = ?", now, hashed)
            return "slow_down" if too_soon else "authorization_pending"
        self._db.execute("DELETE FROM device_codes WHERE hash = ?", hashed)
        return row

    async def page(self, request: Request) -> Response:
        """RFC 8628, section 3.3: a signed-in user answers Yes or No."""
        form = await read_form(request) if request.method == "POST" else FormData()
        given = str(form.get("user_code") or request.query_params.get("user_code", ""))
        code = given.upper().replace(" ", "")
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request, urlencode({"user_code": code}) if code else "")
        # Counted apart from passwords: neither must lock the other out.
        guesser, address = f"device code of {session.user.username}", address_of(request)
        try:
            self._throttle.check(guesser, address)
        except TooManyAttempts as error:
            page = self._pages.message(429, "Too many requests", str(error), session)
            page.headers.update(error.headers)
            return page
        row = self._db.find(
            "SELECT * FROM device_codes WHERE user_code = ? AND expires > ? AND answer IS NULL",
            code,
            time.time(),
        )
        if row is None:
            if not code:
                return self._pages.answer("device_code.html", session=session)
            # RFC 8628, section 5.1: a short code can be guessed by who may try long.
            self._throttle.failed(guesser, address)
            words = "This code is unknown, has been used, or has expired."
            return self._pages.answer("device_code.html", 400, session, error=words)
        if request.method == "GET":
            return self._question(row, session)
        if not same(form.get("csrf"), session.csrf):
            text = "Open the page again."
            return self._pages.message(403, "This form is out of date", text, session)
        answer = "yes" if form.get("answer") == "yes" else "no"
        self._db.execute(
            "UPDATE device_codes SET answer = ?, username = ? WHERE hash = ?",
            answer,
            session.user.username,
            row["hash"],
        )
        if answer == "yes":
            text = "You can close this page."
            return self._pages.message(200, "Access granted", text, session)
        return self._pages.message(200, "Access denied", "Nobody was logged in.", session)

    def _question(self, row: sqlite3.Row, session: Session) -> Response:
        """The page that asks, with what is known of who began this login (RFC 8628, 5.4)."""
        begun = datetime.fromtimestamp(row["expires"] - SECONDS, timezone.utc).isoformat()
        return self._pages.answer(
            "device.html", session=session, row=row, begun=begun, ago=ago, host=self._host
        )
