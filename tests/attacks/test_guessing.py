"""Attacks by trying out: passwords and codes at every door."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import argon2
import pytest
import requests

from de_tasks.server import control
from de_tasks.server.database import Database
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.throttle import Throttle
from tests.support.addresses import client, fresh
from tests.support.attacker import OPENID, REALM, basic
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser


def made_up(stem: str) -> str:
    """A name that nobody has tried yet."""
    return f"{stem}-{secrets.token_hex(4)}"


def by_form(session: requests.Session, url: str, user: str) -> requests.Response:
    page = session.get(f"{url}{REALM}/sign-in")
    csrf = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert csrf
    fields = {"csrf": csrf[1], "username": user, "password": "guess"}
    return session.post(f"{url}{REALM}/sign-in", data=fields)


def by_grant(session: requests.Session, url: str, user: str) -> requests.Response:
    fields = {"client_id": "dash", "grant_type": "password", "username": user, "password": "x"}
    return session.post(f"{url}{OPENID}/token", data=fields)


def by_api(session: requests.Session, url: str, user: str) -> requests.Response:
    header = {"Authorization": basic(user, "guess")}
    return session.post(
        f"{url}/Manager/graphql", json={"query": "{a:current{username}}"}, headers=header
    )


def by_git(session: requests.Session, url: str, user: str) -> requests.Response:
    header = {"Authorization": basic(user, "guess")}
    return session.get(f"{url}/GIT/app/info/refs?service=git-upload-pack", headers=header)


def by_administration(session: requests.Session, url: str, user: str) -> requests.Response:
    return session.get(f"{url}/sandbox/users", headers={"Authorization": basic(user, "guess")})


DOORS = [by_form, by_grant, by_api, by_git, by_administration]


@pytest.mark.parametrize("door", DOORS)
def test_guessing_a_password_is_slowed_down(
    door: Callable[[requests.Session, str, str], requests.Response], fortress: control.Running
) -> None:
    session, user = client(), made_up("victim")
    answers = [door(session, fortress.url, user) for _ in range(5)]
    seen = [answer.status_code for answer in answers]
    assert set(seen[:3]) <= {401, 403} and set(seen[3:]) == {429}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers[3:])


def test_guessing_at_what_the_api_asks_a_password_for_is_slowed_down(
    fortress: control.Running,
) -> None:
    books, session = backstage(fortress), client()
    header = {"Authorization": f"Bearer {books.tokens(books.add('victim')).access_token}"}
    body = {"query": 'mutation { resetApiKey(password: "guess") { error } }'}
    url = f"{fortress.url}/Manager/graphql"
    answers = [session.post(url, json=body, headers=header) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_guesses_at_all_doors_are_counted_together(fortress: control.Running) -> None:
    session, user = client(), made_up("victim")
    seen = [door(session, fortress.url, user).status_code for door in DOORS]
    assert 429 not in seen[:3] and seen[3:] == [429, 429]


def test_guessing_from_elsewhere_goes_on_being_slowed_down(fortress: control.Running) -> None:
    user = made_up("spread")
    seen = [by_grant(client(fresh()), fortress.url, user) for _ in range(4)]
    assert [answer.status_code for answer in seen] == [401, 401, 401, 429]
    assert int(seen[-1].headers["Retry-After"]) > 0


def test_one_password_for_many_users_is_slowed_down(fortress: control.Running) -> None:
    session = client(fresh())
    seen = [by_grant(session, fortress.url, made_up("user")).status_code for _ in range(16)]
    assert seen == [401] * 15 + [429]


def test_guessed_at_user_is_let_in_by_what_needs_no_password(fortress: control.Running) -> None:
    """Who guesses locks the door for passwords only."""
    books, user = backstage(fortress), backstage(fortress).add("victim")
    for _ in range(4):
        by_grant(client(fresh()), fortress.url, user)
    header = {"Authorization": basic(user, books.key(user))}
    body = {"query": "{ current { username } }"}
    answer = client().post(f"{fortress.url}/Manager/graphql", json=body, headers=header)
    assert answer.status_code == 200
    assert user in Browser(fortress).be(user).get("/docs").text


def test_own_success_does_not_pay_for_guessing_at_others(fortress: control.Running) -> None:
    session, other = client(), made_up("other")
    own = {"client_id": "dash", "grant_type": "password", "password": PASSWORD}
    own["username"] = backstage(fortress).add("viewer")
    for _ in range(3):
        by_grant(session, fortress.url, other)
    assert session.post(f"{fortress.url}{OPENID}/token", data=own).status_code == 200
    assert by_grant(session, fortress.url, other).status_code == 429


def test_device_codes_are_not_to_be_guessed(fortress: control.Running) -> None:
    browser = Browser(fortress).be(backstage(fortress).add("viewer"))
    seen = [browser.get(f"{REALM}/device?user_code=BCDF-GHJ{c}") for c in "KLMN"]
    assert [answer.status_code for answer in seen] == [400, 400, 400, 429]
    assert int(seen[-1].headers["Retry-After"]) > 0


def test_guessing_device_codes_locks_no_password_out(fortress: control.Running) -> None:
    user = backstage(fortress).add("viewer")
    browser = Browser(fortress).be(user)
    for letter in "KLMN":
        browser.get(f"{REALM}/device?user_code=BCDF-GHJ{letter}")
    fields = {"client_id": "dash", "grant_type": "password", "username": user}
    fields["password"] = PASSWORD
    answer = client(fresh()).post(f"{fortress.url}{OPENID}/token", data=fields)
    assert answer.status_code == 200


@pytest.mark.parametrize("part", [slice(0), slice(1), slice(31), slice(1, None)], ids=str)
def test_part_of_a_key_is_worth_nothing(part: slice, fortress: control.Running) -> None:
    books, user = backstage(fortress), backstage(fortress).add("dev")
    key = books.key(user)
    assert len(key) == 32
    body, url = {"query": "{ current { username } }"}, f"{fortress.url}/Manager/graphql"
    header = {"Authorization": basic(user, key[part])}
    assert client().post(url, json=body, headers=header).status_code == 401


def test_answer_does_not_tell_who_exists(fortress: control.Running) -> None:
    users = (backstage(fortress).add("dev"), made_up("nobody"))
    known, unknown = (by_grant(client(), fortress.url, user) for user in users)
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_unknown_user_costs_the_same_hashing(tmp_path: Path) -> None:
    database = Database(tmp_path / "sandbox.sqlite3")
    accounts = Accounts(database, tmp_path / "secret", Throttle(9, 60))
    accounts.add("dev", "licensed_user", "right")
    hashes: list[str] = []

    def verify(self: argon2.PasswordHasher, stored: str, password: str) -> bool:
        hashes.append(stored)
        raise argon2.exceptions.VerifyMismatchError

    with mock.patch.object(argon2.PasswordHasher, "verify", verify):
        for user in ("dev", "nobody-at-all"):
            assert asyncio.run(accounts.sign_in(user, "wrong", "")) is None
    known, unknown = map(argon2.extract_parameters, hashes)
    assert known == unknown
    database.close()


def test_guessing_locks_no_owner_out_of_the_administration(own_fortress: control.Running) -> None:
    for name in ("admin", "dev", *(made_up("user") for _ in range(16))):
        for _ in range(4):
            by_grant(client("127.0.0.1"), own_fortress.url, name)
    assert by_grant(client("127.0.0.1"), own_fortress.url, "admin").status_code == 429
    wish = {"username": "carol", "role": "viewer"}
    assert control.administer(own_fortress, "users", wish)["username"] == "carol"
    assert control.administer(own_fortress, "api-key", {"username": "carol"})["key"]
