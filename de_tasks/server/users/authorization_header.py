"""Who asks: the one place that reads an Authorization header."""

from __future__ import annotations

import base64

from starlette.requests import HTTPConnection

from de_tasks.server.users.accounts import Accounts, User
from de_tasks.server.users.tokens import Tokens


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from, for counting."""
    return connection.client.host if connection.client else ""


class Identity:
    """Turns credentials into users."""

    def __init__(self, accounts: Accounts, tokens: Tokens) -> None:
        self._accounts = accounts
        self._tokens = tokens

    def bearer(self, header: str | None) -> User | None:
        """The user of a `Bearer` header."""
        scheme, _, token = (header or "").partition(" ")
        return self._tokens.user_of(token.strip()) if scheme.lower() == "bearer" else None

    def visitor(self, header: str | None) -> User | None:
        """The user of a `Bearer` header with a token that was made for an app."""
        scheme, _, token = (header or "").partition(" ")
        return self._tokens.visitor_of(token.strip()) if scheme.lower() == "bearer" else None

    async def any(self, header: str | None, address: str) -> User | None:
        """The user of a `Bearer` header, or of `Basic` with an API key, password or token.

        Raises `TooManyAttempts` for passwords that are tried out from an address.
        """
        scheme, _, value = (header or "").partition(" ")
        if scheme.lower() != "basic":
            return self.bearer(header)
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError:
            return None
        username, colon, password = pair.partition(":")
        if not colon:
            return None
        user = self._tokens.user_of(password)
        if user:
            return user if user.username == username.lower() else None
        # A key before a password, which takes a while to check on purpose.
        by_key = self._accounts.has_api_key(username.lower(), password)
        return by_key or await self._accounts.sign_in(username, password, address)
