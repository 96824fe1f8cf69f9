"""Sign-in: OpenID Connect in Keycloak's paths, for the public client `dash`.

Device grant (RFC 8628), password grant, refresh with rotation, revocation (RFC 7009),
logout, keys and user info.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from de_tasks.server.accounts import Accounts
from de_tasks.server.database import Database
from de_tasks.server.identity import Identity
from de_tasks.server.pages import Pages
from de_tasks.server.sessions import Sessions
from de_tasks.server.tokens import ALGORITHM, CLIENT_ID, Tokens, digest

DEVICE_SECONDS = 600
DEVICE_INTERVAL = 2
CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, as RFC 8628 section 6.1 recommends: no words by accident."""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FORM_LIMIT = 64 * 1024
NO_STORE = {"Cache-Control": "no-store"}


class Oidc:
    """The endpoints of the realm `dash`."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        tokens: Tokens,
        identity: Identity,
        sessions: Sessions,
        pages: Pages,
    ) -> None:
        self._db = database
        self._accounts = accounts
        self._tokens = tokens
        self._identity = identity
        self._sessions = sessions
        self._pages = pages

    def routes(self) -> list[Route]:
        """Routes below the realm's address."""
        at = "/protocol/openid-connect"
        return [
            Route("/.well-known/openid-configuration", self.configuration),
            Route(f"{at}/certs", self.certs),
            Route(f"{at}/auth/device", self.device_authorization, methods=["POST"]),
            Route(f"{at}/token", self.token, methods=["POST"]),
            Route(f"{at}/revoke", self.revoke, methods=["POST"]),
            Route(f"{at}/logout", self.logout, methods=["POST"]),
            Route(f"{at}/userinfo", self.userinfo, methods=["GET", "POST"]),
            Route("/device", self.device_page, methods=["GET", "POST"]),
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
        ]

    async def configuration(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        issuer = self._tokens.issuer
        at = f"{issuer}/protocol/openid-connect"
        return JSONResponse(
            {
                "issuer": issuer,
                "token_endpoint": f"{at}/token",
                "device_authorization_endpoint": f"{at}/auth/device",
                "userinfo_endpoint": f"{at}/userinfo",
                "revocation_endpoint": f"{at}/revoke",
                "end_session_endpoint": f"{at}/logout",
                "jwks_uri": f"{at}/certs",
                "grant_types_supported": ["password", "refresh_token", DEVICE_GRANT],
                "response_types_supported": ["none"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": ["openid", "offline_access"],
            }
        )

    async def certs(self, request: Request) -> Response:
        """The keys that verify our tokens."""
        return JSONResponse(self._tokens.jwks())

    async def device_authorization(self, request: Request) -> Response:
        """RFC 8628, section 3.1: a code for the device and one for the person."""
        form = await _form(request)
        if form.get("client_id") != CLIENT_ID:
            return _refused("invalid_client", f"The client is not {CLIENT_ID}.", 401)
        self._db.execute("DELETE FROM device_codes WHERE expires < ?", time.time())
        device_code = secrets.token_urlsafe(32)
        letters = [secrets.choice(CODE_LETTERS) for _ in range(8)]
        user_code = f"{''.join(letters[:4])}-{''.join(letters[4:])}"
        self._db.execute(
            "INSERT INTO device_codes (hash, user_code, scope, expires) VALUES (?, ?, ?, ?)",
            digest(device_code),
            user_code,
            str(form.get("scope", "openid")),
            time.time() + DEVICE_SECONDS,
        )
        page = f"{self._tokens.issuer}/device"
        return JSONResponse(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": DEVICE_SECONDS,
                "interval": DEVICE_INTERVAL,
            },
            headers=NO_STORE,
        )

    async def token(self, request: Request) -> Response:
        """RFC 6749, section 3.2."""
        form = await _form(request)
        if form.get("client_id") != CLIENT_ID:
            return _refused("invalid_client", f"The client is not {CLIENT_ID}.", 401)
        grant_type = form.get("grant_type")
        if grant_type == "password":
            return await self._password_grant(form)
        if grant_type == "refresh_token":
            return self._refresh_grant(form)
        if grant_type == DEVICE_GRANT:
            return self._device_grant(form)
        return _refused("unsupported_grant_type", f"Not a grant type here: {grant_type}.")

    async def revoke(self, request: Request) -> Response:
        """RFC 7009: an unknown token is as good as a revoked one."""
        self._tokens.revoke(str((await _form(request)).get("token", "")))
        return Response()

    async def logout(self, request: Request) -> Response:
        """Keycloak's logout for clients: ends the grant of the refresh token that is posted."""
        self._tokens.revoke(str((await _form(request)).get("refresh_token", "")))
        return Response(status_code=204)

    async def userinfo(self, request: Request) -> Response:
        """The user of an access token."""
        user = self._identity.bearer(request.headers.get("authorization"))
        if user is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return JSONResponse({"sub": user.username, "preferred_username": user.username})

    async def sign_in(self, request: Request) -> Response:
        """The sign-in form; goes on to the device page with the code it was given."""
        if request.method == "GET":
            code, to = (request.query_params.get(name, "") for name in ("code", "to"))
            return self._pages.answer("sign_in.html", code=code, to=to)
        form = await _form(request)
        code, to = str(form.get("code", "")), str(form.get("to", ""))
        username, password = str(form.get("username", "")), str(form.get("password", ""))
        user = await self._accounts.sign_in(username, password)
        if user is None:
            words = "That user name and password do not belong together."
            return self._pages.answer(
                "sign_in.html", 401, code=code, to=to, error=words, name=username
            )
        # One of our own pages by its name: a free address would send people anywhere.
        target = "/docs" if to == "docs" else f"device?{_query(code)}"
        response = RedirectResponse(target, status_code=303)
        self._sessions.begin(response, user)
        return response

    async def device_page(self, request: Request) -> Response:
        """RFC 8628, section 3.3: a signed-in user answers Yes or No."""
        form = await _form(request) if request.method == "POST" else FormData()
        given = str(form.get("user_code") or request.query_params.get("user_code", ""))
        code = given.upper().replace(" ", "")
        session = self._sessions.of(request)
        if session is None:
            return RedirectResponse(f"sign-in?code={_clean(code)}", status_code=303)
        user = session.user.username
        row = self._db.find(
            "SELECT * FROM device_codes WHERE user_code = ? AND expires > ? AND answer IS NULL",
            code,
            time.time(),
        )
        if row is None:
            error = "This code is not known, was answered already, or has expired." if code else ""
            return self._pages.answer("device_code.html", 400 if code else 200, error=error)
        if request.method == "GET":
            return self._pages.answer("device.html", user=user, code=code, csrf=session.csrf)
        if not secrets.compare_digest(str(form.get("csrf", "")), session.csrf):
            return self._pages.message(403, "This form is out of date", "Open the page again.")
        answer = "yes" if form.get("answer") == "yes" else "no"
        self._db.execute(
            "UPDATE device_codes SET answer = ?, username = ? WHERE hash = ?",
            answer,
            user,
            row["hash"],
        )
        if answer == "yes":
            return self._pages.message(200, "Access granted", "You may close this page.")
        return self._pages.message(200, "Access denied", "Nobody was logged in.")

    async def _password_grant(self, form: FormData) -> Response:
        username = str(form.get("username", ""))
        user = await self._accounts.sign_in(username, str(form.get("password", "")))
        if user is None:
            return _refused("invalid_grant", "Invalid user credentials", 401)
        return self._granted(self._tokens.grant(user, str(form.get("scope", "openid"))))

    def _refresh_grant(self, form: FormData) -> Response:
        tokens = self._tokens.refresh(str(form.get("refresh_token", "")))
        if tokens is None:
            return _refused("invalid_grant", "Token is not active")
        return self._granted(tokens)

    def _device_grant(self, form: FormData) -> Response:
        hashed = digest(str(form.get("device_code", "")))
        row = self._db.find("SELECT * FROM device_codes WHERE hash = ?", hashed)
        now = time.time()
        if row is None or row["expires"] < now:
            return _refused("expired_token", "Device code not valid")
        if row["answer"] == "no":
            return _refused("access_denied", "The end user denied the authorization request")
        if row["answer"] is None:
            too_soon = now - row["polled"] < DEVICE_INTERVAL * 0.9
            self._db.execute("UPDATE device_codes SET polled = ? WHERE hash = ?", now, hashed)
            if too_soon:
                return _refused("slow_down", "Slow down")
            return _refused("authorization_pending", "The authorization request is still pending")
        self._db.execute("DELETE FROM device_codes WHERE hash = ?", hashed)
        user = self._accounts.get(row["username"])
        if user is None:
            return _refused("access_denied", "The user is gone")
        return self._granted(self._tokens.grant(user, row["scope"]))

    def _granted(self, tokens: Any) -> Response:
        return JSONResponse({**asdict(tokens), "token_type": "Bearer"}, headers=NO_STORE)


def _refused(error: str, description: str, status: int = 400) -> Response:
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers=NO_STORE)


async def _form(request: Request) -> FormData:
    # The declared length is checked before anything is read; without one nothing is read.
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > FORM_LIMIT:
        return FormData()
    return await request.form(max_files=0, max_fields=20)


def _clean(code: str) -> str:
    return "".join(c for c in code if c in CODE_LETTERS + "-")[:16]


def _query(code: str) -> str:
    return f"user_code={_clean(code.upper())}" if code else ""
