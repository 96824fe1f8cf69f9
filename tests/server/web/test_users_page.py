"""The admins' page of users."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import pytest
import requests

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import People

PAGE = "/account/users"


@dataclass(frozen=True)
class Office:
    """An admin's browser."""

    browser: Browser

    def send(self, action: str, **fields: str) -> requests.Response:
        """A form of the page."""
        page = self.browser.get(PAGE)
        return self.browser.submit(page, f"{page.url}/{action}", **fields)

    def role(self, name: str) -> str:
        """What the page says of a user."""
        found = re.search(
            rf'<strong>{re.escape(name)}</strong>.*?<span class="badge">(\w+)</span>',
            self.browser.get(PAGE).text,
        )
        return found[1] if found else ""


@pytest.fixture
def office(sandbox: control.Running, people: People) -> Office:
    return Office(Browser(sandbox).be(people["admin"].name))


def signs_in(running: control.Running, user: str, password: str) -> requests.Response:
    browser = Browser(running)
    form = browser.get("/auth/realms/dash/sign-in")
    return browser.submit(form, username=user, password=password)


def shown(page: requests.Response) -> str:
    """The password on a page."""
    found = re.search(r'<p class="code">([^<]+)</p>', page.text)
    assert found, page.text
    return found[1]


def test_new_user_signs_in_with_the_password_that_is_shown(
    office: Office, sandbox: control.Running
) -> None:
    name = f"new-{secrets.token_hex(4)}"
    made = office.send("add", username=name, role="licensed_user", groups="a team, other")
    assert f">{name}</a>" in signs_in(sandbox, name, shown(made)).text
    assert office.role(name) == "licensed_user" and shown(made) not in office.browser.get(PAGE).text
    assert "a team, other" in office.browser.get(PAGE).text
    again = office.send("add", username=name, role="viewer")
    assert again.status_code == 400 and "already" in again.text


def test_role_and_groups_are_changed(office: Office, sandbox: control.Running) -> None:
    name = backstage(sandbox).add("user")
    done = office.send("role", username=name, role="viewer")
    assert f"The role of {name} is now viewer." in done.text and office.role(name) == "viewer"
    assert "Groups of" in office.send("groups", username=name, groups="one").text
    for groups in ("one, two", ""):
        office.send("groups", username=name, groups=groups)
        assert f'value="{groups}"' in office.browser.get(PAGE).text


def test_owner_of_an_app_keeps_the_seat(office: Office, people: People) -> None:
    dev = people["dev"]
    assert dev.run(f"apps create -n kept-{secrets.token_hex(4)}").code == 0
    refused = office.send("role", username=dev.name, role="viewer")
    assert refused.status_code == 400 and f"{dev.name} owns 1 apps" in refused.text
    assert office.role(dev.name) == "licensed_user"


def test_nobody_takes_the_own_rights_away(office: Office, people: People) -> None:
    admin = people["admin"].name
    for action, fields in (("role", {"role": "viewer"}), ("password", {})):
        refused = office.send(action, username=admin, **fields)
        assert refused.status_code == 400 and "your own" in refused.text
    assert office.role(admin) == "admin"


def test_user_who_forgot_the_password_is_let_in(office: Office, sandbox: control.Running) -> None:
    name = backstage(sandbox).add("user")
    before = Browser(sandbox).be(name)
    while "Too many failed attempts" not in signs_in(sandbox, name, "wrong").text:
        pass
    assert ">locked<" in office.browser.get(PAGE).text
    assert f"{name} can sign in again." in office.send("unlock", username=name).text
    assert "Too many" not in signs_in(sandbox, name, "wrong").text
    password = shown(office.send("password", username=name))
    assert f">{name}</a>" in signs_in(sandbox, name, password).text
    assert "Sign in" in before.get("/account").text, "what was open is signed out"
