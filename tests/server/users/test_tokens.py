"""Logins in the books: what has ended takes no room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.server.database import Database
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users import tokens
from de_tasks.server.users.accounts import Accounts, User
from de_tasks.server.users.throttle import Throttle
from de_tasks.server.users.tokens import Tokens, signing_key

USER = User("dev", "licensed_user")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "sandbox.sqlite3")
    made.execute(
        "INSERT INTO users (username, password_hash, role, created) VALUES (?, '', ?, '')",
        USER.username,
        USER.role,
    )
    yield made
    made.close()


@pytest.fixture
def issuer(database: Database, tmp_path: Path) -> Tokens:
    accounts = Accounts(database, tmp_path / "secret", Throttle(3, 60))
    return Tokens(database, accounts, ServerSettings(tmp_path), signing_key(tmp_path))


def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    return int(database.one(f"SELECT count(*) FROM {table}")[0])


def test_login_that_was_revoked_is_forgotten(issuer: Tokens, database: Database) -> None:
    issuer.revoke(issuer.grant(USER, "openid").refresh_token)
    assert (count(database, "grants"), count(database, "refresh_tokens")) == (0, 0)


def test_login_that_expired_is_forgotten_at_the_next(issuer: Tokens, database: Database) -> None:
    issuer.grant(USER, "openid")
    database.execute("UPDATE grants SET expires = 1")
    issuer.grant(USER, "openid")
    assert (count(database, "grants"), count(database, "refresh_tokens")) == (1, 1)


def test_only_the_last_refresh_tokens_are_remembered(
    issuer: Tokens, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    found = [issuer.grant(USER, "openid")]
    for _ in range(5):
        following = issuer.refresh(found[-1].refresh_token)
        assert following
        found.append(following)
    assert count(database, "refresh_tokens") == 3
    assert issuer.refresh(found[0].refresh_token) is None and count(database, "grants") == 1
    assert issuer.refresh(found[3].refresh_token) is None and count(database, "grants") == 0
