"""Changes of which the answer was lost: they are looked for, and not made twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.config.host import Host
from de_tasks.errors import DeTasksError
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.platform.graphql.client import Client
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes
from de_tasks.server import control
from tests.support.apps import held_back
from tests.support.faultproxy import FaultProxy
from tests.support.faults import reset_after_request
from tests.support.people import People, Person
from tests.support.platforms import account_of

QUICK = Policy(sleep=lambda seconds: None)


@pytest.fixture
def proxy(sandbox: control.Running) -> Iterator[FaultProxy]:
    with FaultProxy(sandbox.url).running() as made:
        yield made


def behind(proxy: FaultProxy, sandbox: control.Running, user: str) -> GraphQLPlatform:
    """The platform as a user sees it, who reaches it through the proxy."""
    account = account_of(sandbox, user, QUICK)
    return GraphQLPlatform(Client(Host.parse(proxy.url), account, Transport()))


@pytest.fixture
def platform(proxy: FaultProxy, sandbox: control.Running, dev: Person) -> GraphQLPlatform:
    return behind(proxy, sandbox, dev.name)


@pytest.fixture
def app(platform: GraphQLPlatform) -> str:
    """An app that is there."""
    return platform.create_app(f"lost-{secrets.token_hex(4)}").name


def lose(proxy: FaultProxy, change: str, times: int = 9) -> None:
    """Let the server make changes of a kind, and their answers be lost; `struck` counts them."""
    proxy.arm(reset_after_request, change, times)


def test_app_and_its_services_are_deleted_once(
    proxy: FaultProxy, platform: GraphQLPlatform, app: str
) -> None:
    platform.attach_service(app, "redis")
    services = platform.attached(app)
    lose(proxy, "deleteApp")
    platform.delete_app(app, services)
    assert proxy.struck == 1 and platform.app(app) is None
    assert [s for s in platform.services() if s.name == f"{app}-redis"] == []


@pytest.mark.parametrize("change", ["addService", "linkService"])
def test_service_is_attached_once(
    proxy: FaultProxy, platform: GraphQLPlatform, app: str, change: str
) -> None:
    lose(proxy, change)
    assert platform.attach_service(app, "redis") == f"{app}-redis"
    assert proxy.struck == 1
    assert [s.name for s in platform.attached(app)] == [f"{app}-redis"]


def test_service_is_deleted_once(proxy: FaultProxy, platform: GraphQLPlatform, app: str) -> None:
    platform.attach_service(app, "redis")
    lose(proxy, "deleteService")
    assert platform.delete_service(app, "redis") == f"{app}-redis"
    assert proxy.struck == 1 and platform.attached(app) == []


def test_limit_of_a_service_is_what_was_asked_for(
    proxy: FaultProxy, platform: GraphQLPlatform, app: str
) -> None:
    platform.attach_service(app, "redis")
    lose(proxy, "updateService")
    assert platform.update_service(app, "redis", "64Mi").memory == "64Mi"
    assert proxy.struck == 1


def test_app_is_transferred_once(
    proxy: FaultProxy, sandbox: control.Running, people: People, app: str
) -> None:
    admin, other = behind(proxy, sandbox, people["admin"].name), people.add("other").name
    lose(proxy, "transferApp")
    assert admin.transfer(app, other).owner == other
    assert proxy.struck == 1


@pytest.mark.parametrize("named", [True, False])
def test_build_is_cancelled_once(
    proxy: FaultProxy, platform: GraphQLPlatform, dev: Person, quick: Path, hold: Path, named: bool
) -> None:
    (quick / "Procfile").write_text(held_back(hold, "python serve.py"))
    assert dev.run("deploy -y --no-wait", folder=quick).code == 0
    build = platform.build(quick.name)
    assert build
    lose(proxy, "cancelBuild")
    found = platform.cancel_build(quick.name, build.id if named else "")
    assert (found.id, found.status) == (build.id, "cancelled")
    assert proxy.struck == 1


def test_what_a_lost_update_has_removed_is_not_missed(
    proxy: FaultProxy, platform: GraphQLPlatform, app: str
) -> None:
    assert platform.update(app, Changes(set_variables={"KEY": "1"})) == []
    lose(proxy, "removeEnvironmentVariable", times=1)
    assert platform.update(app, Changes(title="New", remove_variables=("KEY",))) == []
    assert proxy.struck == 1
    (refusal,) = platform.update(app, Changes(remove_variables=("KEY",)))
    assert refusal.what == "variable KEY", "what was not there before is named"


def test_service_of_another_app_is_left_alone(platform: GraphQLPlatform, app: str) -> None:
    other = platform.create_app(f"{app}-2").name
    platform.attach_service(app, "redis", f"{app}-cache")
    with pytest.raises(DeTasksError, match=f"attached to {app}. Choose another name with"):
        platform.attach_service(other, "redis", f"{app}-cache")
    platform._link(other, f"{app}-cache", "redis")
    with pytest.raises(DeTasksError, match=f"{app}-cache is attached to {other} too: nothing was"):
        platform.delete_service(app, "redis")
    assert platform.attached(app) and platform.attached(other)


def test_app_that_is_not_there_has_no_builds(platform: GraphQLPlatform, app: str) -> None:
    assert list(platform.builds(app)) == list(platform.builds(f"not-{app}")) == []
