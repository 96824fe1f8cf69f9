"""Accounts that others make and change: what is no user, role or group is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.administration import Administration
from de_tasks.server.users.throttle import Throttle


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    database = Database(tmp_path / "sandbox.sqlite3")
    yield Accounts(database, tmp_path / "secret", Throttle(9, 60))
    database.close()


@pytest.fixture
def administration(accounts: Accounts) -> Administration:
    return Administration(accounts._db, accounts, Throttle(9, 60))


@pytest.mark.parametrize(
    ("username", "role", "groups", "said"),
    [
        ("Ann", "viewer", [], "'Ann' is not a user name: lower-case letters, digits and ._@+-"),
        ("ann", "owner", [], "'owner' is not a role. Roles: "),
        ("ann", "viewer", ["staff", ""], "'' is not a name of a group."),
    ],
)
def test_user_that_cannot_be_is_not_added(
    username: str,
    role: str,
    groups: list[str],
    said: str,
    administration: Administration,
    accounts: Accounts,
) -> None:
    with pytest.raises(UsageError) as refused:
        administration.add(username, role, groups)
    assert str(refused.value).startswith(said)
    assert accounts.get(username) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda by, admin: by.set_role(admin, "nobody", "viewer"),
        lambda by, admin: by.unlock("nobody"),
    ],
)
def test_user_that_is_not_there_cannot_be_changed(
    change: Callable[..., None], administration: Administration, accounts: Accounts
) -> None:
    administration.add("ann", "admin")
    with pytest.raises(NotFound, match=r"^There is no user 'nobody'\.$"):
        change(administration, accounts.get("ann"))


def test_name_is_given_once(administration: Administration) -> None:
    administration.add("ann", "viewer")
    with pytest.raises(DeTasksError, match=r"^There is a user ann already\.$"):
        administration.add("ann", "admin")
