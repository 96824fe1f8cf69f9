"""The sign-in service of a host: found by OIDC discovery, asked for tokens.

Any OpenID provider in Keycloak's layout will do. The device flow stands in `auth.device`.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from de_tasks.auth.login import Login
from de_tasks.config.host import HERE, PLATFORM_HOST, Host
from de_tasks.errors import AuthError, DeTasksError, NotLoggedIn, Temporary, UsageError
from de_tasks.net.http import READ_SECONDS, Transport, read_object
from de_tasks.net.limit_reports import UNKNOWN_WAIT, retry_after
from de_tasks.net.retry import Attempt, Policy
from de_tasks.terminal.commands import typed
from de_tasks.terminal.text import one_line

CLIENT = "dash"
DISCOVERY = "/.well-known/openid-configuration"
NOTHING = (204, 404, 405, 410, 421)
"""Statuses of answers without a body, or with a page in its place."""
ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class ProviderAnswer:
    """What an endpoint answered, as RFC 6749 has it: a body, or an error with its description."""

    status: int
    body: dict[str, Any]

    @property
    def error(self) -> str:
        """The error's code, empty for a good answer."""
        code = self.body.get("error")
        if code:
            return str(code)
        return "" if self.status < 400 else f"status {self.status}"

    @property
    def reason(self) -> str:
        """The server's own words, fit for a terminal, else the code."""
        return printable(str(self.body.get("error_description") or self.error)).rstrip(".")


class Oidc:
    """The sign-in service of one host."""

    def __init__(self, host: Host, transport: Transport, policy: Policy | None = None) -> None:
        self.host = host
        self._transport = transport
        self._policy = policy or Policy()
        self._found: dict[str, Any] = {}

    def password(self, username: str, password: str, offline: bool = True) -> Login:
        """Log in with user name and password, taken as they are.

        Without `offline` the login ends by itself soon after its last use. Raises `AuthError`
        when they are refused, `UsageError` for characters that are none.
        """
        try:
            f"{username}{password}".encode()
        except UnicodeEncodeError:
            raise UsageError(
                "User name and password should be text in the encoding of your terminal (UTF-8)"
            ) from None
        answer = self.post(
            "token_endpoint",
            grant_type="password",
            username=username,
            password=password,
            scope=self.scope(offline),
        )
        if answer.error in ("invalid_grant", "status 401"):
            hint = ""
            if ESCAPED.search(username + password):
                hint = ". Both are taken as they are typed: write @ and not %40"
            raise AuthError(
                f"{self.host.name} refuses this user name and password ({answer.reason}). "
                f"Users of an identity provider elsewhere log in with a browser{hint}"
            )
        if answer.error in ("unauthorized_client", "unsupported_grant_type"):
            raise AuthError(
                f"Login with user name and password is switched off on {self.host.name}. "
                f"Log in with a browser: {typed(f'login --host {self.host.name}')}"
            )
        return self.login(answer)

    def refresh(self, login: Login) -> Login:
        """The next tokens. Raises `NotLoggedIn` when the login has ended."""
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
        answer = self.post("token_endpoint", **form) if login.refresh_token else None
        if answer is None or answer.error in ("invalid_grant", "status 400", "status 401"):
            raise NotLoggedIn(
                f"The login to {self.host.name} has expired or was revoked. Log in again: "
                + typed(f"login --host {self.host.name}")
            )
        return self.login(answer, login)

    def revoke(self, login: Login) -> None:
        """End the login on the server (RFC 7009; Keycloak's logout where that is missing).

        Raises an error of the tree when the server did not end it.
        """
        if self.offers("revocation_endpoint"):
            token, kind = login.refresh_token, "refresh_token"
            if not token:
                token, kind = login.access_token, "access_token"
            answer = self.post("revocation_endpoint", token=token, token_type_hint=kind)
        else:
            answer = self.post("end_session_endpoint", refresh_token=login.refresh_token)
        if answer.error:
            raise DeTasksError(f"{self.host.name} answers: {answer.reason}")

    def scope(self, offline: bool) -> str:
        """What to ask for: the user's name, and with `offline` tokens that outlive the browser's
        session."""
        known = self._configuration().get("scopes_supported")
        wanted = ["openid", "profile", *(["offline_access"] if offline else [])]
        return " ".join(w for w in wanted if not isinstance(known, list) or w in known)

    def offers(self, endpoint: str) -> bool:
        """Whether the discovery document names an endpoint."""
        return endpoint in self._configuration()

    def post(self, endpoint: str, **form: str) -> ProviderAnswer:
        """Ask an endpoint as the client `dash`. Raises `AuthError` when that is not known."""
        return self._post(self._policy, endpoint, form)

    def poll(self, endpoint: str, **form: str) -> ProviderAnswer:
        """The same for one who will ask again anyway: a fault is not waited out."""
        return self._post(replace(self._policy, attempts=1), endpoint, form)

    def _post(self, policy: Policy, endpoint: str, form: Mapping[str, str]) -> ProviderAnswer:
        address = self._configuration().get(endpoint)
        if not isinstance(address, str):
            raise UsageError(f"{self.host.name} does not offer this way to log in ({endpoint}).")
        data = {"client_id": CLIENT, **form}
        answer = self._ask("POST", self.host.trusted(address), policy, data=data)
        if answer.error == "invalid_client":
            raise AuthError(
                f"{self.host.name} does not know the client {CLIENT} ({answer.reason}). "
                "Its administrator can add it in Keycloak, as a public client"
            )
        return answer

    def login(self, answer: ProviderAnswer, before: Login | None = None) -> Login:
        """The login of a token answer; `before` is the one that it renews."""
        access = answer.body.get("access_token")
        if answer.error or not isinstance(access, str):
            reason = answer.reason or "an answer without a token"
            raise DeTasksError(f"{self.host.name} did not log you in: {reason}")
        body = answer.body
        return Login(
            host=self.host.name,
            username=before.username if before else self._username(body),
            access_token=access,
            refresh_token=str(
                body.get("refresh_token") or (before.refresh_token if before else "")
            ),
            expires=time.time() + _seconds(body.get("expires_in")),
            ca_path=before.ca_path if before else self._transport.ca_path,
        )

    def _ask(
        self, method: str, address: str, policy: Policy | None = None, **options: Any
    ) -> ProviderAnswer:
        """An answer, without a body for a page that says that there is nothing.

        Asking again does no harm: at worst a login is left on the server that nobody uses.
        """

        def attempt(this: Attempt) -> ProviderAnswer:
            seconds = min(READ_SECONDS, this.seconds)
            found = self._transport.request(method, address, seconds=seconds, **options)
            if found.status_code in NOTHING or (found.ok and not found.content):
                return ProviderAnswer(found.status_code, {})
            if found.status_code == 429 and options.get("data", {}).get("grant_type") == "password":
                # Against guessing, and not the rate limit: a wrong password is not repeated.
                seconds = retry_after(found.headers) or UNKNOWN_WAIT
                raise Temporary(
                    f"{self.host.name} accepts no more logins for now. Try again in {seconds:.0f} s"
                )
            return ProviderAnswer(found.status_code, read_object(found))

        return (policy or self._policy).call(attempt)

    def _configuration(self) -> dict[str, Any]:
        if not self._found:
            address = f"{self.host.issuer}{DISCOVERY}"
            self._found = self._ask("GET", address).body
        named = self._found.get("issuer")
        if "token_endpoint" not in self._found or not isinstance(named, str):
            if sandbox := self._sandbox():
                raise UsageError(
                    f"{self.host.name} is where the sandbox's apps are. Its own host is "
                    f"{sandbox}: {typed(f'login --host {sandbox}')}"
                )
            raise UsageError(
                f"{self.host.name} is not a Dash Enterprise: it has no sign-in service at "
                f"{self.host.issuer}"
            )
        # OpenID Connect Discovery 1.0, section 4.3, and RFC 8414, section 3.3: one service must
        # not pass for another. Where Keycloak has a front-end address, that is its name.
        if named.rstrip("/") != self.host.issuer:
            raise UsageError(
                f"The sign-in service at {self.host.issuer} says that it is {printable(named)}. "
                "If that is the right one, say so with the setting issuer (INVOKE_DE_ISSUER)"
            )
        return self._found

    def _sandbox(self) -> str:
        """The sandbox whose apps are at this host; empty where there is none."""
        if urlsplit(self.host.web).hostname != HERE:
            return ""
        beside = Host.parse(self.host.web.replace(HERE, PLATFORM_HOST, 1))
        try:
            answer = self._transport.request("GET", f"{beside.issuer}{DISCOVERY}", READ_SECONDS)
        except DeTasksError:
            return ""
        return beside.name if answer.status_code == 200 else ""

    def _username(self, body: dict[str, Any]) -> str:
        # Read for display only: whether a token is good is the server's business. An access
        # token may be opaque (RFC 6749, section 1.4).
        tokens = (body.get("id_token"), body["access_token"])
        claims = [_claims(token) for token in tokens if isinstance(token, str)]
        if not any("preferred_username" in found for found in claims):
            claims.append(self._userinfo(body["access_token"]))
        names = [c.get(name) for name in ("preferred_username", "sub") for c in claims]
        return next((str(name) for name in names if name), "?")

    def _userinfo(self, token: str) -> dict[str, Any]:
        address = self._configuration().get("userinfo_endpoint")
        if not isinstance(address, str):
            return {}
        headers = {"Authorization": f"Bearer {token}"}
        answer = self._ask("GET", self.host.trusted(address), headers=headers)
        return answer.body if answer.status == 200 else {}


def printable(text: str) -> str:
    """What a server says, fit for a terminal."""
    return one_line(text)[:200]


def _seconds(value: object) -> float:
    # Where the server does not say how long a token is good (RFC 6749: it may), not for long.
    return float(value) if isinstance(value, (int, float)) else 60.0


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        text = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        value = json.loads(text)
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
