"""Attacks on other people's databases, by those who manage an app with them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from de_tasks.server import control
from tests.support.attacker import ask
from tests.support.backstage import backstage


@dataclass
class Shared:
    """An app of somebody's with a database, and its co-owner, who has an app of his own."""

    running: control.Running
    owner: str
    partner: str
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def do(self, who: str, line: str) -> str | None:
        """Have a user change something by the API; returns what it says is wrong."""
        line = line.format(m=self.mark, partner=self.partner)
        header = f"Bearer {backstage(self.running).tokens(who).access_token}"
        answer = ask(self.running, f"mutation {{ done: {line} {{ error }} }}", header).json()
        error: str | None = answer["data"]["done"]["error"]
        return error

    def owners(self) -> list[str | None]:
        """Whom owner and co-owner know to have the database."""
        query, seen = "{ services { name } }", []
        for who in (self.owner, self.partner):
            header = f"Bearer {backstage(self.running).tokens(who).access_token}"
            services = ask(self.running, query, header).json()["data"]["services"]
            seen += [who] if {"name": f"data-{self.mark}"} in services else []
        return [("owner" if who == self.owner else "partner") for who in seen]


ADD = 'addService(name: "data-{m}", serviceType: redis)'
LINK = 'linkService(appname: "%s-{m}", serviceName: "data-{m}", serviceType: redis)'
DELETE = 'deleteService(name: "data-{m}", serviceType: redis)'


@pytest.fixture
def shared(fortress: control.Running) -> Iterator[Shared]:
    books = backstage(fortress)
    made = Shared(fortress, books.add("owner"), books.add("partner"))
    assert made.do(made.owner, 'addApp(name: "main-{m}")') is None
    assert made.do(made.owner, 'addCoOwners(appname: "main-{m}", users: ["{partner}"])') is None
    assert made.do(made.partner, 'addApp(name: "side-{m}")') is None
    yield made
    made.do(books.add("admin"), DELETE)


def test_co_owner_does_not_delete_the_database(shared: Shared) -> None:
    assert shared.do(shared.owner, ADD) is None and shared.do(shared.owner, LINK % "main") is None
    error = shared.do(shared.partner, DELETE)
    assert error and f"Only {shared.owner}" in error
    assert shared.do(shared.owner, DELETE) is None


def test_co_owner_does_not_link_the_database_to_an_app_of_his_own(shared: Shared) -> None:
    assert shared.do(shared.owner, ADD) is None and shared.do(shared.owner, LINK % "main") is None
    error = shared.do(shared.partner, LINK % "side")
    assert error and f"Only {shared.owner}" in error


def test_database_that_a_co_owner_makes_for_the_app_is_the_owners(shared: Shared) -> None:
    assert shared.do(shared.partner, ADD) is None
    assert shared.do(shared.partner, LINK % "main") is None
    assert shared.do(shared.partner, LINK % "side") is not None
    leave = 'removeCoOwners(appname: "main-{m}", users: ["{partner}"])'
    assert shared.owners() == ["owner", "partner"] and shared.do(shared.owner, leave) is None
    assert shared.owners() == ["owner"] and shared.do(shared.partner, DELETE) is not None


def test_database_serves_apps_of_one_owner(shared: Shared) -> None:
    assert shared.do(shared.partner, ADD) is None
    assert shared.do(shared.partner, LINK % "side") is None
    error = shared.do(shared.partner, LINK % "main")
    assert error and "create a service of its own" in error
