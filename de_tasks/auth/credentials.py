"""What a command acts with, highest first:

1. an API key with a user name: HTTP Basic for every request, nothing to renew
2. without a store: user name and password, exchanged for tokens that live in memory
3. user name and password of somebody else than the stored login: the same
4. the stored login of the host
5. user name and password where the host has no stored login: as 2
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from de_tasks.auth.oidc import Oidc
from de_tasks.auth.session import Session
from de_tasks.auth.store import Store
from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.errors import NotLoggedIn, UsageError
from de_tasks.terminal.commands import typed


class Credentials(Protocol):
    """Something that proves to API and git who asks."""

    @property
    def username(self) -> str:
        """Who asks."""
        ...

    def header(self) -> str:
        """The value of the Authorization header."""
        ...

    def renew(self) -> None:
        """Make the next header a new one. Raises `NotLoggedIn` when there is none."""
        ...


@dataclass(frozen=True)
class ApiKey:
    """A user's key, which is good until it is replaced (Dash Enterprise 4)."""

    host: str
    username: str
    key: str = field(repr=False)

    def header(self) -> str:
        """HTTP Basic."""
        return basic(self.username, self.key)

    def renew(self) -> None:
        """There is no other key."""
        raise NotLoggedIn(
            f"{self.host} refuses the API key of {self.username}. "
            "Look at DASH_ENTERPRISE_USERNAME and DASH_ENTERPRISE_API_KEY"
        )


@dataclass(frozen=True)
class Pair:
    """User name and password, as the git of Dash Enterprise 5 takes them; `refused` hears that
    it does so no more."""

    host: str
    username: str
    password: str = field(repr=False)
    refused: Callable[[], None] = field(default=lambda: None, compare=False)

    def header(self) -> str:
        """HTTP Basic."""
        return basic(self.username, self.password)

    def renew(self) -> None:
        """There is no other password."""
        self.refused()
        raise NotLoggedIn(
            f"The git of {self.host} refuses the password of {self.username}. "
            "Look at DASH_ENTERPRISE_USERNAME and DASH_ENTERPRISE_PASSWORD"
        )


@dataclass(frozen=True)
class TokenAsPassword:
    """A login's access token in the place of a password, as many git servers take it."""

    session: Session

    @property
    def username(self) -> str:
        """Whose token it is."""
        return self.session.username

    def header(self) -> str:
        """HTTP Basic."""
        return basic(self.username, self.session.header().removeprefix("Bearer "))

    def renew(self) -> None:
        """Refresh the token. Raises `NotLoggedIn` when the login has ended."""
        self.session.renew()


def basic(username: str, password: str) -> str:
    """HTTP Basic (RFC 7617); a user name cannot have a colon, a password may."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return f"Basic {pair}"


def choose(values: Settings, host: Host, oidc: Oidc, store: Store | None) -> Credentials:
    """The credentials for a host. Raises `NotLoggedIn` that says what to do when there are none."""
    if values.api_key:
        if not values.username:
            raise UsageError("An API key goes with a user name: set DASH_ENTERPRISE_USERNAME too")
        return ApiKey(host.name, values.username, values.api_key)
    login = store.get(host.name) if store else None
    pair = bool(values.username and values.password)
    if pair and (login is None or login.username.lower() != values.username.lower()):
        return Session(oidc, oidc.password(values.username, values.password, offline=False))
    if login is not None:
        return Session(oidc, login, store)
    if store is None:
        raise NotLoggedIn(
            "With no_keyfile nothing is stored: set DASH_ENTERPRISE_USERNAME, and "
            "DASH_ENTERPRISE_PASSWORD or DASH_ENTERPRISE_API_KEY"
        )
    raise NotLoggedIn(
        f"You are not logged in to {host.name}. Type: {typed(f'login --host {host.name}')}"
    )
