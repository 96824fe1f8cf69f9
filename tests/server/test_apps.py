"""What may be said of an app."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from de_tasks.errors import UsageError
from de_tasks.server.apps import Apps
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.accounts import User
from tests.support.shop import database_of_a_shop


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Ann, who has an app."""
    made = database_of_a_shop(tmp_path)
    yield made
    made.close()


@pytest.fixture
def apps(database: Database, tmp_path: Path) -> Apps:
    none = cast(Any, None)
    return Apps(ServerSettings(tmp_path), database, none, none, none, none)


def shop(apps: Apps) -> sqlite3.Row:
    row = apps.find("shop")
    assert row
    return row


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"contact": {"email": "ann at home"}}, "'ann at home' is not an e-mail address."),
        ({"sortRank": 2**31}, f"{2**31} is out of range for a rank."),
        ({"sortRank": -(2**31) - 1}, f"{-(2**31) - 1} is out of range for a rank."),
    ],
)
def test_value_that_no_field_takes_changes_nothing(
    metadata: dict[str, Any], said: str, apps: Apps
) -> None:
    before = tuple(shop(apps))
    with pytest.raises(UsageError) as refused:
        apps.update(shop(apps), {"title": "Shop", **metadata})
    assert str(refused.value) == said
    assert tuple(shop(apps)) == before


def test_rank_and_address_are_kept(apps: Apps) -> None:
    contact = {"email": "ann@example.com", "name": "Ann"}
    row = apps.update(shop(apps), {"sortRank": 2**31 - 1, "contact": contact})
    assert (row["sort_rank"], row["contact_email"]) == (2**31 - 1, "ann@example.com")


def test_app_is_not_given_to_whom_it_belongs_already(apps: Apps) -> None:
    ann = User("ann", "admin")
    with pytest.raises(Refused, match=r"^shop belongs to ann already\.$"):
        apps.transfer(ann, shop(apps), ann, ann)
