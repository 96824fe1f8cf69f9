"""The authorization endpoint: OpenID Connect's code flow with PKCE (RFC 7636).

Its one client is the apps' host. A code is good once and for a minute, and it is taken
within this process: the token endpoint gives nothing for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from de_tasks.server.database import Database
from de_tasks.server.http.pages import Pages
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.sessions import Session, Sessions
from de_tasks.server.users.tokens import digest

CLIENT_ID = "dash-apps"
CODE_SECONDS = 60


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, section 4.2)."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


class CodeFlow:
    """Gives codes to browsers of signed-in users, and takes them back."""

    def __init__(
        self, settings: ServerSettings, database: Database, sessions: Sessions, pages: Pages
    ) -> None:
        self._settings = settings
        self._db = database
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """The route below the realm's address."""
        return [Route("/protocol/openid-connect/auth", self.authorize)]

    def address(self, state: str, challenge: str) -> str:
        """Where the apps' host sends a browser to sign in."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self._settings.signed_in_url,
            "scope": "openid",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._settings.openid}/auth?{urlencode(query)}"

    async def authorize(self, request: Request) -> Response:
        """RFC 6749, section 4.1.1."""
        given = request.query_params
        known = given.get("client_id") == CLIENT_ID
        if not known or given.get("redirect_uri") != self._settings.signed_in_url:
            # Section 3.1.2.4: never send a browser to an address that is not registered.
            text = "This address does not belong to a sign-in of this sandbox."
            return self._pages.message(400, "Not a sign-in", text)
        if given.get("response_type") != "code":
            return self._back(request, error="unsupported_response_type")
        challenge = given.get("code_challenge", "")
        if given.get("code_challenge_method") != "S256" or len(challenge) != 43:
            return self._back(request, error="invalid_request")
        session = self._sessions.of(request)
        if session is None:
            return self._pages.to_sign_in(request)
        return self._back(request, code=self._issue(session, challenge))

    def redeem(self, code: str, verifier: str) -> Session | None:
        """The session that a code stands for, once."""
        row = self._db.find("SELECT * FROM authorization_codes WHERE hash = ?", digest(code))
        self._db.execute("DELETE FROM authorization_codes WHERE hash = ?", digest(code))
        if row is None or row["expires"] < time.time():
            return None
        if not hmac.compare_digest(challenge_of(verifier).encode(), row["challenge"].encode()):
            return None
        return self._sessions.find(row["session"])

    def _issue(self, session: Session, challenge: str) -> str:
        code = secrets.token_urlsafe(32)
        self._db.execute("DELETE FROM authorization_codes WHERE expires < ?", time.time())
        self._db.execute(
            "INSERT INTO authorization_codes VALUES (?, ?, ?, ?)",
            digest(code),
            session.hash,
            challenge,
            time.time() + CODE_SECONDS,
        )
        return code

    def _back(self, request: Request, **answer: str) -> Response:
        # `iss` (RFC 9207) tells the client whose answer this is.
        query = {
            **answer,
            "state": request.query_params.get("state", ""),
            "iss": self._settings.issuer,
        }
        return RedirectResponse(f"{self._settings.signed_in_url}?{urlencode(query)}", 303)
