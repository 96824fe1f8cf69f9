"""Attacks on logins: refresh tokens used twice, codes made up, devices in floods."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from de_tasks.server import control
from tests.support.attacker import ask, login, opened, post
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser


def test_replayed_refresh_token_ends_the_whole_login(fortress: control.Running) -> None:
    first = login(fortress)
    second = refresh(fortress, first.refresh_token)
    third = refresh(fortress, second["refresh_token"])
    assert refresh(fortress, first.refresh_token)["error"] == "invalid_grant"
    assert refresh(fortress, third["refresh_token"])["error"] == "invalid_grant"
    for token in (first.access_token, second["access_token"], third["access_token"]):
        assert opened(fortress, token) <= {401, 403}


def refresh(running: control.Running, token: str) -> dict[str, Any]:
    found: dict[str, Any] = post(
        running, "token", grant_type="refresh_token", refresh_token=token
    ).json()
    return found


def test_two_at_once_with_one_refresh_token(fortress: control.Running) -> None:
    token = login(fortress).refresh_token
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(fortress, token), range(8)))
    # A refresh whose answer may have been lost is repeated, and only the last answer is good:
    # two that come with different ones are two that hold the login, and it ends for both.
    seen = [refresh(fortress, answer["refresh_token"]) for answer in answers]
    assert sum("refresh_token" in answer for answer in seen) <= 1
    for answer in [*answers, *seen]:
        if "refresh_token" in answer:
            assert refresh(fortress, answer["refresh_token"])["error"] == "invalid_grant"
            assert opened(fortress, answer["access_token"]) <= {401, 403}


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_revoked_login_is_over(which: str, fortress: control.Running) -> None:
    tokens = login(fortress)
    assert opened(fortress, tokens.access_token) == {200}
    assert post(fortress, "revoke", token=getattr(tokens, which)).status_code == 200
    assert opened(fortress, tokens.access_token) <= {401, 403}
    assert refresh(fortress, tokens.refresh_token)["error"] == "invalid_grant"


def change_password(running: control.Running, access_token: str) -> None:
    change = (
        "mutation ($old: String, $new: String) { changePassword(currentPassword: $old, "
        "newPassword: $new) { ok } }"
    )
    words = {"old": PASSWORD, "new": "another one"}
    answer = ask(running, change, f"Bearer {access_token}", **words).json()
    assert answer["data"]["changePassword"]["ok"]


def test_new_password_ends_every_login(fortress: control.Running) -> None:
    books, user = backstage(fortress), backstage(fortress).add("admin")
    logins = [books.tokens(user), books.tokens(user)]
    change_password(fortress, logins[0].access_token)
    for tokens in logins:
        assert opened(fortress, tokens.access_token) <= {401, 403}
        assert refresh(fortress, tokens.refresh_token)["error"] == "invalid_grant"


def test_new_password_ends_every_session_in_a_browser(fortress: control.Running) -> None:
    books, user = backstage(fortress), backstage(fortress).add("admin")
    browsers = [Browser(fortress).be(user), Browser(fortress).be(user)]
    assert all(f"<strong>{user}</strong>" in browser.get("/docs").text for browser in browsers)
    change_password(fortress, books.tokens(user).access_token)
    assert all("Sign in" in browser.get("/docs").text for browser in browsers)


def test_new_password_of_one_ends_nothing_of_others(fortress: control.Running) -> None:
    one, other = login(fortress), login(fortress)
    change_password(fortress, one.access_token)
    assert opened(fortress, other.access_token) == {200}


@pytest.mark.parametrize("code", ["", "x", "a" * 60_000, "' OR 1=1 --", "%00"])
def test_made_up_device_code_gives_nothing(code: str, fortress: control.Running) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    answer = post(fortress, "token", grant_type=grant, device_code=code)
    assert answer.status_code == 400 and answer.json()["error"] == "expired_token"


def write(running: control.Running, line: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Write to the sandbox's database."""
    file = running.data / "sandbox.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
        database.executemany(line, rows)


def test_device_code_is_good_once(fortress: control.Running) -> None:
    begun, user = post(fortress, "auth/device").json(), backstage(fortress).add("dev")
    granted = "UPDATE device_codes SET answer = 'yes', username = ? WHERE user_code = ?"
    write(fortress, granted, [(user, begun["user_code"])])
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    seen = [post(fortress, "token", **grant, device_code=begun["device_code"]) for _ in range(2)]
    assert [answer.status_code for answer in seen] == [200, 400]


def test_flood_of_waiting_devices_is_refused(own_fortress: control.Running) -> None:
    waiting = "INSERT INTO device_codes (hash, user_code, scope, expires) VALUES (?, ?, '', ?)"
    rows = [(f"h{n}", f"u{n}", time.time() + 600) for n in range(999)]
    write(own_fortress, waiting, rows)
    seen = [post(own_fortress, "auth/device").status_code for _ in range(2)]
    assert seen == [200, 429]
