"""Tokens: signed access and identity tokens, opaque refresh tokens that rotate.

A login is a *grant*. Its refresh token is good once: each use gives the next one, and a
second use of an old one ends the grant (RFC 9700, section 4.14.2), unless the answer to the first
may have been lost on its way. Only hashes are stored.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeyParameters, RSAKey

from de_tasks.server.database import Database
from de_tasks.server.files import write_private
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.accounts import Accounts, User

ALGORITHM = "RS256"
CLIENT_ID = "dash"
LOST_SECONDS = 30.0
REMEMBERED = 100
"""Refresh tokens of a grant, by which a second use of one is noticed: with more, a client that
renews without end would fill the database."""
AUDIENCE = "dash-platform"
"""Audience of access tokens. Tokens for apps have another one, which API and git refuse."""


def app_audience(name: str) -> str:
    """Audience of the tokens for an app: what one app receives is nothing to another one."""
    return f"dash-app-{name}"


def digest(secret: str) -> str:
    """What is stored of a random secret: with 256 bits of entropy a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class TokenSet:
    """One answer of the token endpoint."""

    access_token: str
    refresh_token: str
    id_token: str
    expires_in: int
    refresh_expires_in: int
    scope: str


class Tokens:
    """Issues and checks the tokens of one sandbox."""

    def __init__(
        self, database: Database, accounts: Accounts, settings: ServerSettings, key: RSAKey
    ) -> None:
        self._db = database
        self._accounts = accounts
        self._settings = settings
        self._key = key

    def jwks(self) -> dict[str, Any]:
        """The public signing keys; `use` and `alg` are what dash-enterprise-auth needs."""
        return {"keys": [self._key.as_dict(private=False)]}

    def grant(self, user: User, scope: str) -> TokenSet:
        """Log a user in: a new grant with its first tokens."""
        grant_id = secrets.token_hex(16)
        expires = time.time() + self._settings.offline_token_seconds
        self._db.execute("DELETE FROM grants WHERE expires < ?", time.time())
        self._db.execute(
            "INSERT INTO grants (id, username, scope, expires) VALUES (?, ?, ?, ?)",
            grant_id,
            user.username,
            scope,
            expires,
        )
        return self._issue(user, grant_id, scope, expires)

    def refresh(self, refresh_token: str) -> TokenSet | None:
        """The next tokens of a grant, None when the token is unknown, old or revoked."""
        with self._db.transaction():
            row = self._db.find(
                "SELECT r.used, g.* FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id"
                " WHERE r.hash = ?",
                digest(refresh_token),
            )
            if row is None or row["expires"] < time.time():
                return None
            if row["used"] and not self._may_be_lost(row):
                self._end(row["id"])
                return None
            user = self._accounts.get(row["username"])
            if user is None:
                return None
            # What an answer that was lost has brought counts as used, long ago: who comes with
            # it all the same shows that two hold this login, and that ends it.
            self._db.execute(
                "UPDATE refresh_tokens SET used = 1 WHERE grant_id = ? AND used = 0 AND hash <> ?",
                row["id"],
                digest(refresh_token),
            )
            self._db.execute(
                "UPDATE refresh_tokens SET used = ? WHERE hash = ? AND used = 0",
                time.time(),
                digest(refresh_token),
            )
            return self._issue(user, row["id"], row["scope"], row["expires"])

    def _may_be_lost(self, row: sqlite3.Row) -> bool:
        """Whether the answer to the use of a refresh token may never have arrived: it was just
        now, and what it brought was not used."""
        last = self._db.one(
            "SELECT max(used) AS used FROM refresh_tokens WHERE grant_id = ?", row["id"]
        )
        return bool(row["used"] == last["used"] and time.time() - row["used"] < LOST_SECONDS)

    def revoke(self, token: str) -> None:
        """End the grant that a refresh or access token belongs to; unknown tokens are ignored."""
        row = self._db.find("SELECT grant_id FROM refresh_tokens WHERE hash = ?", digest(token))
        claims = None if row else self._claims(token)
        grant_id = row["grant_id"] if row else claims and claims.get("sid")
        if grant_id:
            self._end(grant_id)

    def _end(self, grant_id: str) -> None:
        # Its refresh tokens go with it, and its access tokens are good for nothing without it.
        self._db.execute("DELETE FROM grants WHERE id = ?", grant_id)

    def user_of(self, access_token: str) -> User | None:
        """The user of a valid access token whose grant has not ended."""
        claims = self._claims(access_token)
        if claims is None or claims.get("aud") != AUDIENCE or claims.get("typ") != "Bearer":
            return None
        if not self._db.find("SELECT 1 FROM grants WHERE id = ?", str(claims.get("sid"))):
            return None
        return self._accounts.get(str(claims.get("preferred_username")))

    def for_app(self, user: User, session: str, name: str) -> tuple[str, str]:
        """An identity and an access token that name a visitor to an app. `session` is the
        hash of the platform's session that they end with."""
        common = {**self._common(user), "aud": app_audience(name), "session": session}
        return self._sign({**common, "typ": "ID"}), self._sign({**common, "typ": "App"})

    def visitor_of(self, token: str) -> User | None:
        """The user of an access token for an app, while their session lasts."""
        claims = self._claims(token)
        if claims is None or claims.get("typ") != "App":
            return None
        row = self._db.find(
            "SELECT username FROM sessions WHERE hash = ? AND expires > ?",
            str(claims.get("session")),
            time.time(),
        )
        return self._accounts.get(row["username"]) if row else None

    def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            jwt.JWTClaimsRegistry(
                exp={"essential": True}, iss={"essential": True, "value": self._settings.issuer}
            ).validate(claims)
        except (JoseError, ValueError):
            return None
        return dict(claims)

    def _issue(self, user: User, grant_id: str, scope: str, expires: float) -> TokenSet:
        refresh_token = secrets.token_urlsafe(32)
        self._db.execute(
            "INSERT INTO refresh_tokens (hash, grant_id) VALUES (?, ?)",
            digest(refresh_token),
            grant_id,
        )
        self._db.execute(
            "DELETE FROM refresh_tokens WHERE grant_id = ?1 AND rowid NOT IN (SELECT rowid"
            " FROM refresh_tokens WHERE grant_id = ?1 ORDER BY rowid DESC LIMIT ?2)",
            grant_id,
            REMEMBERED,
        )
        common = {**self._common(user), "azp": CLIENT_ID, "sid": grant_id}
        roles = {"resource_access": {CLIENT_ID: {"roles": [user.role]}}, "scope": scope}
        access = {**common, **roles, "aud": AUDIENCE, "typ": "Bearer", "jti": secrets.token_hex(8)}
        return TokenSet(
            access_token=self._sign(access),
            refresh_token=refresh_token,
            id_token=self._sign({**common, "aud": CLIENT_ID, "typ": "ID"}),
            expires_in=self._settings.access_token_seconds,
            refresh_expires_in=max(0, int(expires - time.time())),
            scope=scope,
        )

    def _common(self, user: User) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self._settings.issuer,
            "sub": user.username,
            "iat": now,
            "exp": now + self._settings.access_token_seconds,
            "preferred_username": user.username,
        }

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key)


def signing_key(data: Path) -> RSAKey:
    """The key that signs a sandbox's tokens, made when it is first asked for."""
    path = data / "signing-key.json"
    if not path.exists():
        parameters: KeyParameters = {"use": "sig", "alg": ALGORITHM}
        key = RSAKey.generate_key(2048, parameters=parameters, auto_kid=True)
        write_private(path, json.dumps(key.as_dict(private=True)))
    return RSAKey.import_key(json.loads(path.read_text("utf-8")))
