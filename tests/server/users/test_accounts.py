"""What is kept of passwords."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import argon2
import pytest

from de_tasks.server.database import Database
from de_tasks.server.users.accounts import ARGON2ID, LONGEST_SECRET, MOST_WAITING, Accounts
from de_tasks.server.users.throttle import Throttle, TooManyAttempts
from tests.support.waiting import BOUND


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


class HeldUp(Accounts):
    """Accounts whose hashing takes until it may end."""

    begun = 0
    may_end = threading.Event()

    def _stored(self, username: str, brokered: bool) -> str:
        self.begun += 1
        return super()._stored(username, brokered)

    def _matches(self, stored: str, password: str) -> bool:
        return self.may_end.wait(BOUND) and super()._matches(stored, password)


def test_two_passwords_are_hashed_at_once_and_no_more(tmp_path: Path) -> None:
    database = Database(tmp_path / "sandbox.sqlite3")
    accounts = HeldUp(database, tmp_path / "secret", Throttle(9, 60))
    accounts.add("dev", "licensed_user", "right")

    async def sign_in() -> tuple[int, int]:
        asked = [asyncio.create_task(accounts.sign_in("dev", "right", "")) for _ in range(5)]
        for _ in range(20):
            # Each has as many turns as it can use.
            await asyncio.sleep(0)
        at_once = accounts.begun
        accounts.may_end.set()
        return at_once, sum(user is not None for user in await asyncio.gather(*asked))

    assert asyncio.run(sign_in()) == (2, 5)
    database.close()


def test_password_longer_than_any_is_not_hashed(tmp_path: Path) -> None:
    database = Database(tmp_path / "sandbox.sqlite3")
    accounts = Accounts(database, tmp_path / "secret", Throttle(9, 60))
    accounts.add("dev", "licensed_user", "x" * (LONGEST_SECRET + 1))
    assert asyncio.run(accounts.sign_in("dev", "x" * (LONGEST_SECRET + 1), "")) is None
    database.close()


def test_sign_in_behind_too_many_others_is_asked_to_come_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "sandbox.sqlite3")
    accounts = Accounts(database, tmp_path / "secret", Throttle(9, 60))
    accounts.add("dev", "licensed_user", "right")
    accounts._waiting = MOST_WAITING
    with pytest.raises(TooManyAttempts):
        asyncio.run(accounts.sign_in("dev", "right", ""))
    accounts._waiting = MOST_WAITING - 1
    assert asyncio.run(accounts.sign_in("dev", "right", "")) is not None
    assert accounts._waiting == MOST_WAITING - 1
    database.close()
