"""What is kept of passwords."""

from __future__ import annotations

import asyncio
from pathlib import Path

import argon2

from de_tasks.server.database import Database
from de_tasks.server.users.accounts import ARGON2ID, Accounts
from de_tasks.server.users.throttle import Throttle


def test_password_of_an_earlier_version_is_hashed_anew_at_a_sign_in(tmp_path: Path) -> None:
    database = Database(tmp_path / "sandbox.sqlite3")
    accounts = Accounts(database, tmp_path / "secret", Throttle(9, 60))
    accounts.add("dev", "licensed_user", "right")
    earlier = argon2.PasswordHasher(time_cost=3, memory_cost=64, parallelism=4).hash("right")
    database.execute("UPDATE users SET password_hash = ?", earlier)
    assert asyncio.run(accounts.sign_in("dev", "wrong", "")) is None
    assert database.one("SELECT password_hash FROM users")["password_hash"] == earlier
    for _ in range(2):
        assert asyncio.run(accounts.sign_in("dev", "right", "")) is not None
    now = database.one("SELECT password_hash FROM users")["password_hash"]
    assert argon2.extract_parameters(now) == ARGON2ID
    database.close()
