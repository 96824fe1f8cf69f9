"""A data directory of an earlier version is brought to the present one, and keeps its meaning."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path

import pytest

from de_tasks.server import database
from de_tasks.server.database import Database
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.throttle import Throttle

BEFORE = """
INSERT INTO users (username, password_hash, role, created) VALUES ('owner', '', 'admin', '');
INSERT INTO users (username, password_hash, role, created) VALUES ('partner', '', 'admin', '');
INSERT INTO apps (id, name, owner, created, updated) VALUES (1, 'main', 'owner', '', '');
INSERT INTO services (id, name, type, owner, created) VALUES (1, 'linked', 'redis', 'partner', '');
INSERT INTO services (id, name, type, owner, created) VALUES (2, 'alone', 'redis', 'partner', '');
INSERT INTO links VALUES (1, 1);
INSERT INTO grants (id, username, scope, expires, revoked) VALUES ('ended', 'owner', '', 1, 1);
INSERT INTO grants (id, username, scope, expires) VALUES ('good', 'owner', '', 1)
"""


@pytest.fixture
def upgraded(tmp_path: Path) -> Database:
    """What the second version has left behind, opened by the present one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "VERSION", 2)
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:2])
        old = Database(tmp_path / "sandbox.sqlite3")
        for statement in BEFORE.split(";"):
            old.execute(statement)
        old.close()
    return Database(tmp_path / "sandbox.sqlite3")


def test_service_that_is_linked_passes_to_the_owner_of_the_app(upgraded: Database) -> None:
    rows = upgraded.all("SELECT owner FROM services ORDER BY id")
    assert [row["owner"] for row in rows] == ["owner", "partner"]


def test_login_that_has_ended_is_forgotten(upgraded: Database) -> None:
    assert [row["id"] for row in upgraded.all("SELECT id FROM grants")] == ["good"]


def test_api_key_goes_on_until_it_is_replaced(upgraded: Database, tmp_path: Path) -> None:
    accounts = Accounts(upgraded, tmp_path / "secret", Throttle(3, 60))
    made = hmac.digest((tmp_path / "secret").read_bytes(), b"owner:1", "sha256")
    old = base64.urlsafe_b64encode(made[:24]).decode()
    assert accounts.has_api_key("owner", old)
    assert accounts.has_api_key("owner", accounts.reset_api_key("owner"))
    assert not accounts.has_api_key("owner", old)
