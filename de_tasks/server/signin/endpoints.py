"""The endpoints of OpenID Connect in Keycloak's paths, for the public client `dash`.

Device grant (RFC 8628), password grant, refresh with rotation, revocation (RFC 7009), keys
and user info. What people see of sign-in is in `form`, `devices` and `code_flow`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from de_tasks.server.http.bodies import read_form
from de_tasks.server.settings import ServerSettings
from de_tasks.server.signin import devices
from de_tasks.server.signin.devices import Devices
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.authorization_header import Identity, address_of
from de_tasks.server.users.throttle import TooManyAttempts
from de_tasks.server.users.tokens import ALGORITHM, CLIENT_ID, Tokens

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LONGEST_SCOPE = 200
NO_STORE = {"Cache-Control": "no-store"}
DEVICE_ERRORS = {
    "expired_token": "Device code not valid",
    "access_denied": "The end user denied the authorization request",
    "slow_down": "Slow down",
    "authorization_pending": "The authorization request is still pending",
}


class OidcEndpoints:
    """The endpoints of the realm `dash`."""

    def __init__(
        self,
        settings: ServerSettings,
        accounts: Accounts,
        tokens: Tokens,
        identity: Identity,
        codes: Devices,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._tokens = tokens
        self._identity = identity
        self._devices = codes

    def routes(self) -> list[Route]:
        """Routes below the realm's address."""
        at = "/protocol/openid-connect"
        return [
            Route("/.well-known/openid-configuration", self.configuration),
            Route(f"{at}/certs", self.certs),
            Route(f"{at}/auth/device", self.device_authorization, methods=["POST"]),
            Route(f"{at}/token", self.token, methods=["POST"]),
            Route(f"{at}/revoke", self.revoke, methods=["POST"]),
            Route(f"{at}/userinfo", self.userinfo, methods=["GET", "POST"]),
        ]

    async def configuration(self, request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        at = self._settings.openid
        return JSONResponse(
            {
                "issuer": self._settings.issuer,
                "authorization_endpoint": f"{at}/auth",
                "token_endpoint": f"{at}/token",
                "device_authorization_endpoint": f"{at}/auth/device",
                "userinfo_endpoint": f"{at}/userinfo",
                "revocation_endpoint": f"{at}/revoke",
                "end_session_endpoint": f"{at}/logout",
                "jwks_uri": f"{at}/certs",
                "grant_types_supported": ["password", "refresh_token", DEVICE_GRANT],
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
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
        form = await read_form(request)
        if form.get("client_id") != CLIENT_ID:
            return _refused("invalid_client", f"The client is not {CLIENT_ID}.", 401)
        if not self._settings.device_grant:
            # Keycloak's words for a client whose flow is switched off.
            words = "Client is not allowed to initiate OAuth 2.0 Device Authorization Grant."
            return _refused("unauthorized_client", f"{words} The flow is disabled for the client.")
        program = request.headers.get("user-agent", "")
        codes = self._devices.begin(_scope(form), address_of(request), program)
        if codes is None:
            return _refused("temporarily_unavailable", "Too many devices are waiting.", 429)
        device_code, user_code = codes
        page = f"{self._settings.issuer}/device"
        return JSONResponse(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": devices.SECONDS,
                "interval": devices.INTERVAL,
            },
            headers=NO_STORE,
        )

    async def token(self, request: Request) -> Response:
        """RFC 6749, section 3.2."""
        form = await read_form(request)
        if form.get("client_id") != CLIENT_ID:
            return _refused("invalid_client", f"The client is not {CLIENT_ID}.", 401)
        grant_type = form.get("grant_type")
        if grant_type == "password":
            return await self._password_grant(form, address_of(request))
        if grant_type == "refresh_token":
            return self._refresh_grant(form)
        if grant_type == DEVICE_GRANT:
            return self._device_grant(form)
        return _refused("unsupported_grant_type", f"Unsupported grant type: {grant_type}.")

    async def revoke(self, request: Request) -> Response:
        """RFC 7009: an unknown token is as good as a revoked one."""
        self._tokens.revoke(str((await read_form(request)).get("token", "")))
        return Response()

    async def userinfo(self, request: Request) -> Response:
        """The user of an access token, be it for the platform or for an app."""
        header = request.headers.get("authorization")
        user = self._identity.bearer(header) or self._identity.visitor(header)
        if user is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        return JSONResponse(
            {"sub": user.username, "preferred_username": user.username}, headers=NO_STORE
        )

    async def _password_grant(self, form: FormData, address: str) -> Response:
        username, password = str(form.get("username", "")), str(form.get("password", ""))
        try:
            user = await self._accounts.sign_in(username, password, address)
        except TooManyAttempts as error:
            refusal = _refused("temporarily_unavailable", str(error), 429)
            refusal.headers.update(error.headers)
            return refusal
        if user is None:
            return _refused("invalid_grant", "Invalid user credentials", 401)
        return self._granted(self._tokens.grant(user, _scope(form)))

    def _refresh_grant(self, form: FormData) -> Response:
        tokens = self._tokens.refresh(str(form.get("refresh_token", "")))
        if tokens is None:
            return _refused("invalid_grant", "Token is not active")
        return self._granted(tokens)

    def _device_grant(self, form: FormData) -> Response:
        answer = self._devices.poll(str(form.get("device_code", "")))
        if isinstance(answer, str):
            return _refused(answer, DEVICE_ERRORS[answer])
        user = self._accounts.get(answer["username"])
        if user is None:
            return _refused("access_denied", "The user no longer exists")
        return self._granted(self._tokens.grant(user, answer["scope"]))

    def _granted(self, tokens: Any) -> Response:
        return JSONResponse({**asdict(tokens), "token_type": "Bearer"}, headers=NO_STORE)


def _scope(form: FormData) -> str:
    return str(form.get("scope", "openid"))[:LONGEST_SCOPE]


def _refused(error: str, description: str, status: int = 400) -> Response:
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers=NO_STORE)
