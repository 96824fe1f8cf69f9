"""By which way somebody may open or manage an app."""

from __future__ import annotations

import pytest

from de_tasks.platform.access import Account, AppAccess, ways
from de_tasks.platform.models import People

RESTRICTED = AppAccess(
    app="shop",
    owner="ann",
    level="restricted",
    viewers=People(("vic",), ("buyers",)),
    co_owners=People(("cy",), ("devs",)),
)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (Account("ann", "licensed_user", ()), [("manage", "owner")]),
        (Account("ann", "viewer", ()), [("open", "owner")]),
        (Account("cy", "licensed_user", ()), [("manage", "co-owner")]),
        (Account("dee", "licensed_user", ("devs",)), [("manage", "co-owner through group devs")]),
        (Account("dee", "viewer", ("devs",)), [("open", "co-owner through group devs")]),
        (Account("vic", "viewer", ()), [("open", "viewer")]),
        (Account("bob", "viewer", ("buyers",)), [("open", "viewer through group buyers")]),
        (Account("root", "admin", ()), [("manage", "admin")]),
        (Account("eve", "licensed_user", ()), []),
        (
            Account("eve"),
            [
                ("manage", "co-owner, if a member of group devs"),
                ("open", "viewer, if a member of group buyers"),
            ],
        ),
    ],
)
def test_each_way_to_a_restricted_app(account: Account, expected: list[tuple[str, str]]) -> None:
    assert [(way.may, way.by) for way in ways(account, RESTRICTED)] == expected


@pytest.mark.parametrize(
    ("level", "by"),
    [("unauthenticated", "everybody"), ("authenticated", "everybody who is logged in")],
)
def test_open_apps_are_everybodys(level: str, by: str) -> None:
    app = AppAccess("shop", "ann", level, People())
    assert [(way.may, way.by) for way in ways(Account("eve", "viewer", ()), app)] == [("open", by)]
