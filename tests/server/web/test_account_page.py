"""The page of the signed-in user, and everybody's points for admins."""

from __future__ import annotations

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.published import caller


def page(sandbox: control.Running, user: str) -> str:
    """The account page as the user sees it."""
    return Browser(sandbox).be(user).get("/account").text


def test_page_shows_ones_own_budget(sandbox: control.Running, people: People) -> None:
    dev, admin = people["dev"].name, people["admin"].name
    seen = page(sandbox, dev)
    assert f"<h1>{dev}</h1>" in seen and f"<td>{dev}</td><td>100000</td>" in seen
    assert "100000 points in 60 seconds" in seen
    assert f"<td>{admin}</td>" not in seen


def test_admins_see_everybodys(sandbox: control.Running, people: People) -> None:
    names = {people[stem].name for stem in ("dev", "viewer", "admin")}
    seen = page(sandbox, people["admin"].name)
    assert {name for name in names if f"<td>{name}</td>" in seen} == names


def test_page_of_nobody_leads_to_sign_in(sandbox: control.Running) -> None:
    assert "/auth/realms/dash/sign-in" in Browser(sandbox).get("/account").url


def test_spent_points_are_counted(sandbox: control.Running, dev: Person) -> None:
    program = caller(sandbox, dev.name)
    answer = program.post(json={"query": "{ current { username } }"})
    assert answer.headers["RateLimit-Policy"] == "100000;w=60"
    found = control.administer(sandbox, "points", {})[dev.name]
    assert (found["spent"], found["remaining"], found["limit"]) == (1, 99_999, 100_000)


def test_the_page_is_no_name_for_an_app(dev: Person) -> None:
    done = dev.inv("create", "--name", "account")
    assert done.code == 2 and "address of the platform" in done.err
