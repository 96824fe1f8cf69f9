"""Attacks by trying out: passwords and codes at every door."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
import requests

from de_tasks.server import control
from tests.support.attacker import OPENID, REALM, basic, from_address
from tests.support.browser import Browser

ADDRESSES = (f"127.0.1.{number}" for number in itertools.count(1))


def by_form(client: requests.Session, url: str, user: str) -> requests.Response:
    page = client.get(f"{url}{REALM}/sign-in")
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert csrf
    fields = {"csrf": csrf[1], "username": user, "password": "guess"}
    return client.post(f"{url}{REALM}/sign-in", data=fields)


def by_grant(client: requests.Session, url: str, user: str) -> requests.Response:
    fields = {"client_id": "dash", "grant_type": "password", "username": user, "password": "x"}
    return client.post(f"{url}{OPENID}/token", data=fields)


def by_api(client: requests.Session, url: str, user: str) -> requests.Response:
    header = {"Authorization": basic(user, "guess")}
    return client.post(
        f"{url}/Manager/graphql", json={"query": "{a:current{username}}"}, headers=header
    )


def by_git(client: requests.Session, url: str, user: str) -> requests.Response:
    header = {"Authorization": basic(user, "guess")}
    return client.get(f"{url}/GIT/app/info/refs?service=git-upload-pack", headers=header)


def by_administration(client: requests.Session, url: str, user: str) -> requests.Response:
    return client.get(f"{url}/sandbox/users", headers={"Authorization": basic(user, "guess")})


DOORS = [by_form, by_grant, by_api, by_git, by_administration]


@pytest.mark.parametrize("door", DOORS)
def test_guessing_a_password_is_slowed_down(
    door: Callable[[requests.Session, str, str], requests.Response], fortress: control.Running
) -> None:
    client, user = from_address(next(ADDRESSES)), f"victim-{door.__name__}"
    seen = [door(client, fortress.url, user).status_code for _ in range(5)]
    assert set(seen[:3]) <= {401, 403} and set(seen[3:]) == {429}


def test_guessing_from_elsewhere_goes_on_being_slowed_down(fortress: control.Running) -> None:
    seen = [by_grant(from_address(next(ADDRESSES)), fortress.url, "spread") for _ in range(4)]
    assert seen[-1].status_code == 429 and int(seen[-1].headers["Retry-After"]) > 0


def test_one_password_for_many_users_is_slowed_down(fortress: control.Running) -> None:
    client = from_address(next(ADDRESSES))
    seen = [by_grant(client, fortress.url, f"user{n}").status_code for n in range(16)]
    assert seen[0] == 401 and seen[-1] == 429


def test_own_success_does_not_pay_for_guessing_at_others(fortress: control.Running) -> None:
    client = from_address(next(ADDRESSES))
    own = {"client_id": "dash", "grant_type": "password", "username": "viewer"}
    own["password"] = passwords(fortress)["viewer"]
    for _ in range(3):
        by_grant(client, fortress.url, "other")
    assert client.post(f"{fortress.url}{OPENID}/token", data=own).status_code == 200
    assert by_grant(client, fortress.url, "other").status_code == 429


def test_device_codes_are_not_to_be_guessed(fortress: control.Running) -> None:
    browser = Browser(fortress, from_address(next(ADDRESSES)))
    browser.sign_in("viewer")
    seen = [browser.get(f"{REALM}/device?user_code=BCDF-GHJ{c}").status_code for c in "KLMN"]
    assert seen == [400, 400, 400, 429]


def test_unknown_user_costs_the_same_hashing(fortress: control.Running) -> None:
    client = from_address(next(ADDRESSES))
    known, unknown = (by_grant(client, fortress.url, user) for user in ("dev", "nobody-at-all"))
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
