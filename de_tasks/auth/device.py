"""Logging in with a browser: the device authorization grant (RFC 8628)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.errors import AuthError, DeTasksError
from de_tasks.net.http import Unavailable
from de_tasks.terminal.text import one_line

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOW_DOWN = 5.0
"""Seconds that every `slow_down` adds to the interval (RFC 8628, section 3.5)."""
LONGEST = 3600.0
"""Seconds; a server may say that a code is good for longer, and nobody waits for that."""
WITHOUT = "Log in with --username, or with DASH_ENTERPRISE_USERNAME and DASH_ENTERPRISE_PASSWORD"


@dataclass(frozen=True)
class DeviceCode:
    """What the person needs: the page to open and the code that it will show."""

    device_code: str = field(repr=False)
    user_code: str
    page: str
    interval: float
    expires_in: float


def begin(oidc: Oidc) -> DeviceCode:
    """Ask for a code. Raises `AuthError` where the host has the flow switched off."""
    name = oidc.host.name
    if not oidc.offers("device_authorization_endpoint"):
        raise AuthError(f"{name} does not offer login with a browser. {WITHOUT}")
    answer = oidc.post("device_authorization_endpoint", scope=oidc.scope(offline=True))
    # Keycloak says the first; other providers the others.
    if answer.error in ("unauthorized_client", "unsupported_grant_type", "invalid_request"):
        raise AuthError(
            f"Login with a browser is switched off on {name} ({answer.reason}). {WITHOUT}"
        )
    body = answer.body
    try:
        page = body.get("verification_uri_complete") or body["verification_uri"]
        code = DeviceCode(
            device_code=str(body["device_code"]),
            user_code=one_line(str(body["user_code"])),
            page=oidc.host.trusted(str(page)),
            interval=max(1.0, float(body.get("interval", 5))),
            expires_in=min(float(body["expires_in"]), LONGEST),
        )
    except (KeyError, TypeError, ValueError):
        reason = answer.reason or "an answer without a code"
        raise AuthError(f"{name} refuses login with a browser: {reason}. {WITHOUT}") from None
    return code


def finish(oidc: Oidc, code: DeviceCode, sleep: Callable[[float], None] = time.sleep) -> Login:
    """Wait until the person has answered. Raises `AuthError` for a No, or no answer in time."""
    interval, deadline = code.interval, time.monotonic() + code.expires_in
    while time.monotonic() < deadline:
        sleep(max(0.0, min(interval, deadline - time.monotonic())))
        try:
            answer = oidc.poll("token_endpoint", grant_type=GRANT, device_code=code.device_code)
        except Unavailable:
            # RFC 8628, section 3.5: on a timeout the client asks less often.
            interval *= 2
            continue
        if answer.error == "slow_down":
            interval += SLOW_DOWN
        elif answer.error == "access_denied":
            raise AuthError("Access was denied in the browser. Nobody was logged in.")
        elif answer.error in ("expired_token", "invalid_grant"):
            break
        elif answer.error == "unauthorized_client":
            raise DeTasksError(f"{oidc.host.name} switched login with a browser off. {WITHOUT}")
        elif answer.error != "authorization_pending":
            return oidc.login(answer)
    raise AuthError("The code has expired before it was confirmed. Log in again")
