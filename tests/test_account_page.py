"""The page of the signed-in user, and everybody's points for admins."""

from __future__ import annotations

import base64
import urllib.request

import pytest

from de_tasks.server import control
from tests.support.forms import answer
from tests.support.people import Person


@pytest.fixture(scope="module")
def busy(sandbox: control.Running) -> control.Running:
    """The sandbox, after an action of each user."""
    for user in ("dev", "admin"):
        pair = base64.b64encode(f"{user}:{passwords(sandbox)[user]}".encode()).decode()
        query = urllib.request.Request(
            f"{sandbox.url}/Manager/graphql",
            b'{"query": "{ current { username } }"}',
            {"Content-Type": "application/json", "Authorization": f"Basic {pair}"},
        )
        with urllib.request.urlopen(query, timeout=10) as found:
            assert found.headers["RateLimit-Policy"] == "100000;w=60"
    return sandbox


def page(sandbox: control.Running, user: str) -> str:
    typed = {"username": user, "password": passwords(sandbox)[user]}
    return answer(f"{sandbox.url}/account", [typed])


def test_page_shows_ones_own_budget(busy: control.Running) -> None:
    seen = page(busy, "dev")
    assert "<h1>dev</h1>" in seen and "100000 points in 60 seconds" in seen
    assert "<td>admin</td>" not in seen


def test_admins_see_everybodys(busy: control.Running) -> None:
    assert "<td>dev</td>" in page(busy, "admin") and "<td>viewer</td>" in page(busy, "admin")


def test_spent_points_are_counted(busy: control.Running) -> None:
    found = control.administer(busy, "points", {})["admin"]
    assert found["spent"] >= 1 and found["remaining"] <= found["limit"] == 100_000


def test_the_page_is_no_name_for_an_app(dev: Person) -> None:
    done = dev.inv("create", "--name", "account")
    assert done.code == 2 and "address of the platform" in done.err
