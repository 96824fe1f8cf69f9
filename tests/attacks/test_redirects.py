"""Attacks on the way through sign-in: redirects elsewhere, weaker flows, stolen codes."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests

from de_tasks.server import control
from de_tasks.server.signin.code_flow import challenge_of
from de_tasks.server.users.tokens import digest
from tests.support.addresses import client
from tests.support.attacker import OPENID, REALM, genuine
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser
from tests.support.waiting import BOUND

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\r\nLocation: https://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    " //evil.example",
    "http:evil.example",
    "/\u2028/evil.example",
    "//[evil",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_sign_in_leads_nowhere_else(target: str, fortress: control.Running) -> None:
    browser = Browser(fortress)
    form = browser.get(f"{REALM}/sign-in?to={quote(target)}")
    hidden = re.search(r'name="csrf" value="(\w+)"', form.text)
    assert hidden
    fields = {"csrf": hidden[1], "to": target, "password": PASSWORD}
    fields["username"] = backstage(fortress).add("viewer")
    done = browser.session.post(form.url, data=fields, allow_redirects=False)
    assert done.status_code == 303 and done.headers["Location"] == f"{fortress.url}/"
    assert "evil" not in str(done.headers)


def viewer(running: control.Running) -> Browser:
    """The browser of a new user who is signed in."""
    return Browser(running).be(backstage(running).add("viewer"))


def authorize(browser: Browser, **changes: str) -> requests.Response:
    query = {
        "response_type": "code",
        "client_id": "dash-apps",
        "redirect_uri": f"{browser.apps}/-/signed-in",
        "state": "s",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
        **changes,
    }
    return browser.get(f"{OPENID}/auth?{urlencode(query)}", allow_redirects=False)


REDIRECTS = [
    "https://evil.example/-/signed-in",
    "http://localhost/-/signed-in",
    "http://localhost:1/-/signed-in",
    "{apps}/-/signed-in/../../evil",
    "{apps}/-/signed-in?x=1",
    "{apps}/-/signed-in#x",
    "{apps}@evil.example/-/signed-in",
    "{apps}/evil/",
    "",
]


@pytest.mark.parametrize("address", REDIRECTS)
def test_code_goes_to_no_other_address(address: str, fortress: control.Running) -> None:
    browser = viewer(fortress)
    answer = authorize(browser, redirect_uri=address.format(apps=browser.apps))
    assert answer.status_code == 400 and "Location" not in answer.headers


WEAKER = [
    {"code_challenge_method": "plain"},
    {"code_challenge_method": ""},
    {"code_challenge": ""},
    {"code_challenge": "short"},
    {"response_type": "token"},
    {"response_type": "code id_token"},
    {"client_id": "dash"},
    {"client_id": "other"},
]


@pytest.mark.parametrize("change", WEAKER, ids=str)
def test_no_code_without_proof(change: dict[str, str], fortress: control.Running) -> None:
    answer = authorize(viewer(fortress), **change)
    assert answer.status_code == 400 or "error=" in answer.headers["Location"]
    assert "code=" not in answer.headers.get("Location", "").replace("error=", "")


def code_of(browser: Browser) -> str:
    return parse_qs(urlsplit(authorize(browser).headers["Location"]).query)["code"][0]


def begun(browser: Browser, app: str) -> tuple[str, str]:
    """The address of the authorization that a visit begins, and its state."""
    sent = browser.get(f"{browser.apps}/{app}/", allow_redirects=False)
    return sent.headers["Location"], parse_qs(urlsplit(sent.headers["Location"]).query)["state"][0]


@pytest.fixture
def app(fortress: control.Running) -> str:
    """A restricted app of admin's."""
    genuine(fortress)
    return "vault"


def back(browser: Browser, **query: str) -> requests.Response:
    return browser.get(f"{browser.apps}/-/signed-in?{urlencode(query)}", allow_redirects=False)


def test_code_of_another_flow_is_refused(fortress: control.Running, app: str) -> None:
    attacker, victim = viewer(fortress), Browser(fortress)
    _, state = begun(victim, app)
    assert back(victim, code=code_of(attacker), state=state).status_code == 400


def test_state_of_another_browser_is_refused(fortress: control.Running, app: str) -> None:
    attacker, victim = viewer(fortress), Browser(fortress)
    address, _ = begun(attacker, app)
    link = attacker.get(address, allow_redirects=False).headers["Location"]
    answer = victim.get(link, allow_redirects=False)
    assert answer.status_code == 400 and "de-visit" not in str(answer.headers)


def test_code_is_good_once(fortress: control.Running, app: str) -> None:
    browser = viewer(fortress)
    address, _ = begun(browser, app)
    link = browser.get(address, allow_redirects=False).headers["Location"]
    assert browser.get(link, allow_redirects=False).status_code == 303
    assert browser.get(link, allow_redirects=False).status_code == 400


def test_code_is_good_for_a_minute(fortress: control.Running, app: str) -> None:
    browser = viewer(fortress)
    address, _ = begun(browser, app)
    link = browser.get(address, allow_redirects=False).headers["Location"]
    code = parse_qs(urlsplit(link).query)["code"][0]
    file = fortress.data / "sandbox.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
        line = "UPDATE authorization_codes SET expires = expires - 61 WHERE hash = ?"
        assert database.execute(line, (digest(code),)).rowcount == 1
    assert browser.get(link, allow_redirects=False).status_code == 400


def test_code_is_worth_nothing_at_the_token_endpoint(fortress: control.Running) -> None:
    code = code_of(viewer(fortress))
    for name in ("dash", "dash-apps"):
        fields = {"grant_type": "authorization_code", "client_id": name, "code": code}
        fields |= {"code_verifier": "v" * 43}
        answer = client().post(f"{fortress.url}{OPENID}/token", data=fields, timeout=BOUND)
        assert answer.status_code in (400, 401) and "access_token" not in answer.text


@pytest.mark.parametrize("state", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_made_up_state_is_refused(state: str, fortress: control.Running) -> None:
    assert back(Browser(fortress), code="x", state=state).status_code == 400
