"""People who open apps: signed in to the platform, and by it to the apps' host.

The apps' host is a client of the platform's own sign-in (`signin.code_flow`). A browser comes
back with a code and gets a cookie of this host, a *visit*, which ends with the platform's
session. The cookie is of no use anywhere else, and no app ever sees it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from de_tasks.server.database import Database
from de_tasks.server.http.pages import Pages, own_path
from de_tasks.server.http.targets import path_of, target_of
from de_tasks.server.settings import ServerSettings
from de_tasks.server.signin.code_flow import CodeFlow, challenge_of
from de_tasks.server.users.accounts import User
from de_tasks.server.users.cookies import Cookies
from de_tasks.server.users.sessions import SECONDS, Sessions
from de_tasks.server.users.tokens import Tokens, digest

STATE_SECONDS = 3600
LONGEST_PATH = 2000
REMEMBERED = 1000


@dataclass(frozen=True)
class Visit:
    """A signed-in user on the apps' host, and the platform's session behind it."""

    user: User
    session: str


class Visitors:
    """Who visits, and how a browser becomes somebody's."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        sessions: Sessions,
        authorization: CodeFlow,
        tokens: Tokens,
        cookies: Cookies,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._db = database
        self._sessions = sessions
        self._authorization = authorization
        self._tokens = tokens
        self._cookies = cookies
        self._pages = pages
        # What a browser carries to sign-in and back is signed and not stored: a flood of
        # visitors who never sign in takes no room.
        self._key = OctKey.import_key(secrets.token_bytes(32))
        self._issued: dict[tuple[str, str], tuple[float, str]] = {}

    def of(self, headers: Headers) -> Visit | None:
        """The visit of a request; None for a request that another site has arranged."""
        cookie = self._cookies.get(headers, self._cookies.visit)
        if cookie is None or self._foreign(headers):
            return None
        row = self._db.find("SELECT session FROM visits WHERE hash = ?", digest(cookie))
        session = self._sessions.find(row["session"]) if row else None
        return Visit(session.user, session.hash) if session else None

    def ambiguous(self, headers: Headers) -> bool:
        """Whether a page has set a visit's cookie beside ours."""
        return len(self._cookies.all(headers, self._cookies.visit)) > 1

    def to_sign_in(self, request: Request) -> Response:
        """Send a browser to sign in, and back to where it wanted to go."""
        browser = self._sessions.browser(request)
        target = target_of(request.scope)
        to = target if len(target) <= LONGEST_PATH else path_of(request.scope)[:LONGEST_PATH]
        claims = {"to": to, "browser": digest(browser), "exp": int(time.time()) + STATE_SECONDS}
        state = jwt.encode({"alg": "HS256"}, claims, self._key)
        address = self._authorization.address(state, challenge_of(self._verifier(state)))
        response = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
        self._sessions.remember(response, browser)
        return response

    async def signed_in(self, request: Request) -> Response:
        """The browser is back. A state that another browser was given is worth nothing: a
        link must not sign people in as somebody else."""
        state, code = (request.query_params.get(name, "") for name in ("state", "code"))
        try:
            claims = jwt.decode(state, self._key, algorithms=["HS256"]).claims
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(claims)
        except (JoseError, ValueError):
            return self._not_signed_in("/")
        to = own_path(str(claims["to"]))
        browser = self._cookies.get(request.headers, self._cookies.browser)
        if browser is None or not hmac.compare_digest(digest(browser), claims["browser"]):
            return self._not_signed_in(to)
        session = self._authorization.redeem(code, self._verifier(state))
        if session is None:
            return self._not_signed_in(to)
        response = RedirectResponse(
            self._settings.apps_url + to, 303, headers={"Cache-Control": "no-store"}
        )
        for old in self._cookies.all(request.headers, self._cookies.visit):
            self._db.execute("DELETE FROM visits WHERE hash = ?", digest(old))
        cookie = secrets.token_urlsafe(32)
        self._db.execute("INSERT INTO visits VALUES (?, ?)", digest(cookie), session.hash)
        self._cookies.set(response, self._cookies.visit, cookie, SECONDS)
        return response

    def app_cookies(self, visit: Visit, name: str) -> str:
        """The cookies by which the platform names the visitor to an app.

        The form is that of Dash Enterprise 5, as dash-enterprise-auth 0.2.6 reads it: the whole
        token in standard base64 with padding. They are added on the way to the app, so that
        no browser and no other app ever has them.
        """
        now = time.time()
        known = self._issued.get((visit.session, name))
        if known and known[0] > now:
            return known[1]
        tokens = self._tokens.for_app(visit.user, visit.session, name)
        identity, access = (base64.b64encode(token.encode()).decode() for token in tokens)
        cookies = f"kcIdToken={identity}; kcToken={access}"
        if len(self._issued) >= REMEMBERED:
            self._issued.clear()
        fresh_until = now + self._settings.access_token_seconds / 2
        self._issued[visit.session, name] = (fresh_until, cookies)
        return cookies

    def _verifier(self, state: str) -> str:
        made = hmac.digest(self._key.get_op_key("sign"), state.encode(), "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def _foreign(self, headers: Headers) -> bool:
        # Other ports of this machine are the same site to a browser: it sends them the cookie
        # however strict `SameSite` is. Fetch metadata and Origin tell them from ourselves.
        if headers.get("origin", "null") not in ("null", self._settings.apps_url):
            return True
        site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
        return site in ("same-site", "cross-site") and mode != "navigate"

    def _not_signed_in(self, to: str) -> Response:
        text = "This sign-in has expired, was started in another browser, or has lost its cookie."
        return self._pages.message(400, "Not signed in", text, link=to, label="Try again")
