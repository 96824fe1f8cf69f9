"""Plans that are carried out on a platform which refuses, is slow, or tells nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from de_tasks.deployment.settings import apply as applying
from de_tasks.deployment.settings.apply import Compared, apply, compare, gives_up_access
from de_tasks.deployment.settings.apps import AppWithSettings
from de_tasks.deployment.settings.form import WantedSettings
from de_tasks.deployment.settings.plan import OutsideValues, Pruning
from de_tasks.errors import NotAvailable, NotFound, NotPermitted
from de_tasks.platform.models import Details, People, Service, User

DETAILS = Details(
    title="Shop", description="", tags=(), view_access="restricted", visible_on_portal=True,
    portal_rank=0, maintainer_email="", persistent_filesystem=None, thumbnail_url="",
    viewers=People(), co_owners=People(), variables={}, platform_variables={}, services=(),
)  # fmt: skip
KEEP, PRUNE = Pruning(), Pruning(lists=True)


@pytest.fixture
def platform() -> Mock:
    """A platform that has the app; it answers as the test has it."""
    return Mock(details=Mock(return_value=DETAILS), update=Mock(return_value=[]))


def shop(platform: Mock, **wanted: Any) -> AppWithSettings:
    """The app, with what it should have."""
    connection = Mock(platform=platform)
    connection.host.name = "de.example"
    return AppWithSettings("shop", WantedSettings(**wanted), OutsideValues(), lambda: connection)


def test_app_that_is_not_there_is_named_also_where_settings_are_not_told(platform: Mock) -> None:
    platform.details.side_effect = NotAvailable("Not available through `de`.")
    platform.app.return_value = None
    with pytest.raises(NotFound, match=r"App \[shop\] does not exist on \[de\.example\]"):
        compare(shop(platform, values={"title": "Sales"}), KEEP)


def test_processes_that_do_not_come_are_left(
    platform: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "SETTLE_GAPS", (0, 0))
    platform.details.return_value = replace(DETAILS, scale={"web": 1})
    done = apply(compare(shop(platform, scale={"web": 2}), KEEP), KEEP)
    assert [line.words() for line in done.left] == ["scale of web: 1 -> 2"]
    assert (done.done, done.errors) == ((), ())
    # The plan, the look before the change, one at each gap, and the last.
    assert platform.details.call_count == 5


def test_service_that_is_refused_stops_no_other(platform: Mock) -> None:
    there = list[Service]()

    def attach(app: str, kind: str) -> None:
        if kind == "redis":
            raise NotPermitted("There is no room for another redis.")
        there.append(Service(f"{app}-{kind}", kind, "", ""))

    platform.attach_service.side_effect = attach
    platform.details.side_effect = lambda name: replace(DETAILS, services=tuple(there))
    done = apply(compare(shop(platform, services=("redis", "postgres")), KEEP), KEEP)
    assert [line.what for line in done.done] == ["service postgres"]
    assert [line.what for line in done.left] == ["service redis"]
    assert list(map(str, done.errors)) == ["There is no room for another redis."]
    assert not done.unsure


def compared(platform: Mock, now: People, wanted: People) -> Compared:
    """The plan for co-owners, where what is not wanted is removed."""
    platform.details.return_value = replace(DETAILS, co_owners=now)
    return compare(shop(platform, co_owners=wanted), PRUNE)


@pytest.mark.parametrize(
    ("now", "wanted", "lost"),
    [
        (People(("me", "eve")), People(("me",)), False),
        (People(("me", "eve")), People(("eve",)), True),
        (People(("eve",), ("data",)), People((), ("data",)), False),
        (People(("eve",), ("data",)), People(("eve",)), True),
        (People(("me",), ("data",)), People(("me",)), False),
    ],
    ids=["another", "oneself", "not in it", "perhaps by a group", "named too"],
)
def test_who_may_lose_the_right_to_manage_an_app_is_known(
    platform: Mock, now: People, wanted: People, lost: bool
) -> None:
    platform.whoami.return_value = User("me", False)
    platform.app.return_value.owner = "somebody"
    assert gives_up_access(compared(platform, now, wanted)) == lost
    platform.app.return_value.owner = "me"
    assert not gives_up_access(compared(platform, now, wanted))
    platform.app.return_value.owner = "somebody"
    platform.whoami.return_value = User("me", True)
    assert not gives_up_access(compared(platform, now, wanted))
