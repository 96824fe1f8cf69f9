"""Attacks on logins: refresh tokens used twice, codes made up, devices in floods."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from de_tasks.server import control
from tests.support.attacker import login, opened, post


def test_replayed_refresh_token_ends_the_whole_login(fortress: control.Running) -> None:
    first = login(fortress)
    second = refresh(fortress, first["refresh_token"])
    third = refresh(fortress, second["refresh_token"])
    assert refresh(fortress, first["refresh_token"])["error"] == "invalid_grant"
    assert refresh(fortress, third["refresh_token"])["error"] == "invalid_grant"
    for token in (first, second, third):
        assert opened(fortress, token["access_token"]) <= {401, 403}


def refresh(running: control.Running, token: str) -> dict[str, Any]:
    found: dict[str, Any] = post(
        running, "token", grant_type="refresh_token", refresh_token=token
    ).json()
    return found


def test_two_at_once_with_one_refresh_token(fortress: control.Running) -> None:
    token = login(fortress)["refresh_token"]
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
    assert post(fortress, "revoke", token=tokens[which]).status_code == 200
    assert opened(fortress, tokens["access_token"]) <= {401, 403}
    assert refresh(fortress, tokens["refresh_token"])["error"] == "invalid_grant"


def test_new_password_ends_every_login(fortress: control.Running) -> None:
    made = control.administer(fortress, "users", {"username": "renewed", "role": "viewer"})
    fields = {"grant_type": "password", "username": "renewed", "password": made["password"]}
    tokens = post(fortress, "token", **fields).json()
    change = (
        "mutation ($old: String, $new: String) { changePassword(currentPassword: $old, "
        "newPassword: $new) { ok } }"
    )
    variables = {"old": made["password"], "new": "another one"}
    requests.post(
        f"{fortress.url}/Manager/graphql",
        json={"query": change, "variables": variables},
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
        timeout=10,
    )
    assert opened(fortress, tokens["access_token"]) <= {401, 403}
    assert refresh(fortress, tokens["refresh_token"])["error"] == "invalid_grant"


@pytest.mark.parametrize("code", ["", "x", "a" * 60_000, "' OR 1=1 --", "%00"])
def test_made_up_device_code_gives_nothing(code: str, fortress: control.Running) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    answer = post(fortress, "token", grant_type=grant, device_code=code)
    assert answer.status_code == 400 and answer.json()["error"] == "expired_token"


def test_device_code_is_good_once(fortress: control.Running) -> None:
    begun = post(fortress, "auth/device").json()
    with sqlite3.connect(fortress.data / "sandbox.sqlite3") as database:
        database.execute(
            "UPDATE device_codes SET answer = 'yes', username = 'dev' WHERE user_code = ?",
            (begun["user_code"],),
        )
    database.close()
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    seen = [post(fortress, "token", **grant, device_code=begun["device_code"]) for _ in range(2)]
    assert [answer.status_code for answer in seen] == [200, 400]


def test_flood_of_waiting_devices_is_refused(fortress: control.Running) -> None:
    with sqlite3.connect(fortress.data / "sandbox.sqlite3") as database:
        database.executemany(
            "INSERT INTO device_codes (hash, user_code, scope, expires) VALUES (?, ?, '', ?)",
            [(f"h{n}", f"u{n}", time.time() + 60) for n in range(1000)],
        )
    try:
        assert post(fortress, "auth/device").status_code == 429
    finally:
        with database:
            database.execute("DELETE FROM device_codes")
        database.close()
