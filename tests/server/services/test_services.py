"""Services as users see them: whose they are, and what is refused about them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.services.databases import DatabaseError
from de_tasks.server.services.services import Kind, Services
from de_tasks.server.users.access import Access
from de_tasks.server.users.accounts import User

ANN = User("ann", "licensed_user")


class Machines:
    """Database servers that make nothing, and refuse when they are told to."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.refuses = ""
        self.seen: list[list[sqlite3.Row]] = []
        self.services: Services | None = None

    async def create(self, kind: Kind, name: str) -> None:
        if self.services:
            self.seen.append(self.services.visible(ANN))
        if self.refuses:
            raise DatabaseError(self.refuses)
        self.made.append(f"{kind} {name}")

    async def delete(self, kind: Kind, name: str) -> None:
        self.made.remove(f"{kind} {name}")

    def exists(self, kind: Kind, name: str) -> bool:
        return f"{kind} {name}" in self.made

    async def keep(self, kind: Kind, names: set[str]) -> None:
        if self.refuses:
            raise DatabaseError(self.refuses)
        kept = {f"{kind} {name}" for name in names}
        self.made = [one for one in self.made if one in kept or not one.startswith(kind)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Ann, who has a seat and two apps."""
    made = Database(tmp_path / "sandbox.sqlite3")
    made.execute(
        "INSERT INTO users (username, password_hash, role, created)"
        " VALUES ('ann', '', 'licensed_user', '')"
    )
    for number, name in enumerate(("shop", "till"), 1):
        made.execute(
            "INSERT INTO apps (id, name, owner, created, updated) VALUES (?, ?, 'ann', '', '')",
            number,
            name,
        )
    yield made
    made.close()


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def services(database: Database, machines: Machines) -> Services:
    async def changed(app_id: int) -> bool:
        return False

    access = Access(database, cast(Any, None))
    made = machines.services = Services(database, access, cast(Any, machines), changed)
    return made


def app(database: Database, name: str) -> sqlite3.Row:
    return database.one("SELECT * FROM apps WHERE name = ?", name)


@pytest.mark.parametrize("name", [None, "", "Cache", "9cache", "a_b", "-a", "a\n", "a" * 61])
def test_name_of_a_service_is_one_that_the_platform_takes(
    name: str | None, services: Services, machines: Machines
) -> None:
    with pytest.raises(UsageError) as refused:
        asyncio.run(services.add(ANN, name, "redis"))
    assert str(refused.value) == (
        f"{name!r} is not a legal service name: it starts with a lower-case letter and has only "
        "a-z, 0-9 and -, at most 60 of them."
    )
    assert machines.made == []


def test_service_is_not_seen_before_it_is_whole(services: Services, machines: Machines) -> None:
    asyncio.run(services.add(ANN, "cache", "redis"))
    assert machines.seen == [[]]
    assert [row["name"] for row in services.visible(ANN)] == ["cache"]


def test_service_that_cannot_be_made_leaves_its_name_free(
    services: Services, machines: Machines
) -> None:
    machines.refuses = "Valkey does not start."
    with pytest.raises(DeTasksError, match=r"^Valkey does not start\.$"):
        asyncio.run(services.add(ANN, "cache", "redis"))
    assert services.visible(ANN) == []
    machines.refuses = ""
    assert asyncio.run(services.add(ANN, "cache", "redis"))["owner"] == "ann"


def test_service_of_several_apps_is_not_deleted(
    services: Services, machines: Machines, database: Database
) -> None:
    async def run() -> None:
        await services.add(ANN, "cache", "redis")
        for name in ("shop", "till"):
            await services.link(ANN, app(database, name), "cache", "redis")
        with pytest.raises(Refused) as refused:
            await services.delete(ANN, "cache", "redis")
        assert str(refused.value) == (
            "cache is linked to shop, till: unlink it from all but one first, so that no app "
            "loses its data by accident."
        )
        assert machines.made
        await services.unlink(ANN, app(database, "till"), "cache", "redis")
        await services.delete(ANN, "cache", "redis")

    asyncio.run(run())
    assert machines.made == [] and services.visible(ANN) == []


def test_service_that_is_not_linked_cannot_be_unlinked(
    services: Services, database: Database
) -> None:
    asyncio.run(services.add(ANN, "cache", "redis"))
    with pytest.raises(NotFound, match=r"^cache is not linked to shop\.$"):
        asyncio.run(services.unlink(ANN, app(database, "shop"), "cache", "redis"))


def test_half_made_services_are_gone_after_a_start(services: Services, machines: Machines) -> None:
    for name in ("cache", "other"):
        asyncio.run(services.add(ANN, name, "redis"))
    machines.made = [machines.made[0], "redis left-9"]
    asyncio.run(services.recover())
    assert [row["name"] for row in services.visible(ANN)] == ["cache"]
    assert machines.made == ["redis cache-1"]


def test_database_that_cannot_be_deleted_does_not_keep_a_sandbox_from_starting(
    services: Services, machines: Machines, caplog: pytest.LogCaptureFixture
) -> None:
    machines.refuses = "PostgreSQL does not start."
    with caplog.at_level(logging.ERROR):
        asyncio.run(services.recover())
    said = "databases that are not needed are still there: PostgreSQL does not start."
    assert caplog.messages == [said, said]
