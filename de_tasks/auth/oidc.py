"""The OpenID flows of a command line: device grant (RFC 8628), password, refresh, revocation."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from de_tasks.auth.login import Login
from de_tasks.config import Host
from de_tasks.errors import AuthError, DeTasksError, NotLoggedIn, UsageError
from de_tasks.spelling import typed
from de_tasks.transport import Transport

CLIENT = "dash"
SCOPE = "openid offline_access"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class DeviceCode:
    """What the person needs: the page to open and the code that it will show."""

    device_code: str
    user_code: str
    page: str
    interval: float
    expires_in: float


class Oidc:
    """The sign-in service of one host."""

    def __init__(self, host: Host, transport: Transport) -> None:
        self._host = host
        self._transport = transport
        self._found: dict[str, Any] = {}

    def password(self, username: str, password: str) -> Login:
        """Log in with user name and password. Raises `AuthError` when they are refused."""
        status, answer = self._post(
            "token_endpoint", grant_type="password", username=username, password=password
        )
        if answer.get("error") == "invalid_grant":
            raise AuthError(
                f"{self._host.name} refuses this user name and password. Both are taken as they"
                " are typed (no %40 for @), and only users native to Keycloak have a password"
            )
        return self._login(status, answer)

    def begin_device(self) -> DeviceCode:
        """Ask for a code. Raises `UsageError` where the host does not offer the flow."""
        status, answer = self._post("device_authorization_endpoint")
        if status != 200 or "device_code" not in answer:
            raise AuthError(
                f"{self._host.name} refuses login with a browser: "
                f"{answer.get('error_description') or answer.get('error') or status}. "
                "Try --username"
            )
        page = answer.get("verification_uri_complete") or answer["verification_uri"]
        return DeviceCode(
            answer["device_code"],
            answer["user_code"],
            page,
            float(answer.get("interval", 5)),
            float(answer["expires_in"]),
        )

    def finish_device(self, code: DeviceCode, sleep: Callable[[float], None] = time.sleep) -> Login:
        """Wait until the person has answered. Raises `AuthError` for a No or no answer."""
        interval, deadline = code.interval, time.monotonic() + code.expires_in
        while time.monotonic() < deadline:
            sleep(interval)
            status, answer = self._post(
                "token_endpoint", grant_type=DEVICE_GRANT, device_code=code.device_code
            )
            error = answer.get("error")
            if error == "slow_down":
                interval += 5
            elif error == "access_denied":
                raise AuthError("Access was denied in the browser. Nobody was logged in.")
            elif error == "expired_token":
                break
            elif error != "authorization_pending":
                return self._login(status, answer)
        raise AuthError("The code has expired before it was confirmed. Log in again")

    def refresh(self, login: Login) -> Login:
        """The next tokens. Raises `NotLoggedIn` when the login has ended."""
        status, answer = self._post(
            "token_endpoint", grant_type="refresh_token", refresh_token=login.refresh_token
        )
        if answer.get("error"):
            raise NotLoggedIn(
                f"The login to {self._host.name} has expired or was revoked. Log in again: "
                + typed(f"login --host {self._host.name}")
            )
        return self._login(status, answer)

    def revoke(self, login: Login) -> None:
        """End the login on the server."""
        self._post("revocation_endpoint", token=login.refresh_token)

    def _post(self, endpoint: str, **form: str) -> tuple[int, dict[str, Any]]:
        address = self._configuration().get(endpoint)
        if not isinstance(address, str):
            raise UsageError(f"{self._host.name} does not offer this way to log in ({endpoint}).")
        data = {"client_id": CLIENT, "scope": SCOPE, **form}
        if form.get("grant_type") in ("refresh_token", DEVICE_GRANT):
            del data["scope"]
        answer = self._transport.request("POST", address, data=data)
        return answer.status_code, _object(answer.text)

    def _configuration(self) -> dict[str, Any]:
        if not self._found:
            address = f"{self._host.issuer}/.well-known/openid-configuration"
            self._found = _object(self._transport.request("GET", address).text)
        if "token_endpoint" not in self._found:
            raise UsageError(
                f"{self._host.name} is not a Dash Enterprise: it has no sign-in service at "
                f"{self._host.issuer}"
            )
        return self._found

    def _login(self, status: int, answer: dict[str, Any]) -> Login:
        if "access_token" not in answer or "refresh_token" not in answer:
            reason = answer.get("error_description") or answer.get("error") or f"status {status}"
            raise DeTasksError(f"{self._host.name} did not log you in: {reason}")
        return Login(
            self._host.name,
            _username(answer["access_token"]),
            answer["access_token"],
            answer["refresh_token"],
            time.time() + float(answer.get("expires_in", 60)),
        )


def _username(token: str) -> str:
    # Read for display only: whether the token is good is the server's business.
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["preferred_username"])
    except (IndexError, KeyError, ValueError):
        return "?"


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
