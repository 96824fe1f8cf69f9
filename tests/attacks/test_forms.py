"""Attacks on people's browsers: planted sessions, forged forms, frames, markup."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from de_tasks.server import control
from de_tasks.server.web.changes import CHANGES
from de_tasks.server.web.users_page import ACTIONS
from tests.support.addresses import client
from tests.support.attacker import OPENID, REALM, genuine
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser
from tests.support.waiting import BOUND


def cookie_of(running: control.Running) -> str:
    return f"de-session-{running.port}"


@pytest.fixture
def dev(fortress: control.Running) -> str:
    """The name of somebody with a seat."""
    return backstage(fortress).add("dev")


@pytest.fixture
def other(fortress: control.Running) -> str:
    """The name of somebody else, whose password the attacker knows."""
    return backstage(fortress).add("other")


def test_session_is_a_new_one_after_signing_in(fortress: control.Running, dev: str) -> None:
    browser, name = Browser(fortress), cookie_of(fortress)
    browser.session.cookies.set(name, "planted-by-an-attacker", domain="127.0.0.1", path="/")
    browser.sign_in(dev)
    values = [c.value for c in browser.session.cookies if c.name == name]
    assert len(values) == 1 and values[0] != "planted-by-an-attacker"
    assert f"<strong>{dev}</strong>" in seen_with(fortress, str(values[0]))
    assert "Sign in" in seen_with(fortress, "planted-by-an-attacker")


def seen_with(running: control.Running, session: str) -> str:
    """What somebody sees who has the cookie of a session."""
    cookies = {cookie_of(running): session}
    return client().get(f"{running.url}/docs", cookies=cookies, timeout=BOUND).text


def test_session_before_signing_in_again_is_over(fortress: control.Running, dev: str) -> None:
    browser, old = Browser(fortress), backstage(fortress).session(dev)
    assert f"<strong>{dev}</strong>" in seen_with(fortress, old)
    browser.session.cookies.set(cookie_of(fortress), old, domain="127.0.0.1", path="/")
    browser.sign_in(dev)
    assert "Sign in" in seen_with(fortress, old)


FORMS = [f"{REALM}/sign-in", f"{OPENID}/logout", f"{REALM}/device"]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "wrong"])
@pytest.mark.parametrize("form", FORMS)
def test_forged_form_does_nothing(
    form: str, csrf: str | None, fortress: control.Running, dev: str, other: str
) -> None:
    browser, begun = Browser(fortress).be(dev), device(fortress)
    fields = {"user_code": begun["user_code"], "answer": "yes", "username": other}
    fields |= {"password": PASSWORD} | ({} if csrf is None else {"csrf": csrf})
    assert browser.session.post(fortress.url + form, data=fields).status_code == 403
    assert f"<strong>{dev}</strong>" in browser.get("/docs").text
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "dash"}
    grant |= {"device_code": begun["device_code"]}
    polled = client().post(f"{fortress.url}{OPENID}/token", data=grant, timeout=BOUND)
    assert polled.json()["error"] == "authorization_pending"


def test_form_token_of_another_browser_signs_nobody_in(
    fortress: control.Running, other: str
) -> None:
    """Or a visitor could be signed in as the attacker, and act on the attacker's account."""
    attacker, victim = Browser(fortress), Browser(fortress)
    form = attacker.get(f"{REALM}/sign-in")
    victim.get(f"{REALM}/sign-in")
    assert victim.submit(form, username=other, password=PASSWORD).status_code == 403
    assert attacker.submit(form, username=other, password=PASSWORD).status_code != 403


def device(running: control.Running) -> dict[str, str]:
    """The codes of a device that waits."""
    address = f"{running.url}{OPENID}/auth/device"
    answer = client().post(address, data={"client_id": "dash"}, timeout=BOUND)
    codes: dict[str, str] = answer.json()
    return codes


MANAGING = [
    *("/account/api-key", "/account/new-api-key", "/account/end-others"),
    *(f"/apps/vault/{action}" for action in CHANGES),
    *(f"/account/users/{action}" for action in ACTIONS),
]


def test_forged_form_or_a_link_deletes_nothing(fortress: control.Running) -> None:
    genuine(fortress)
    browser = Browser(fortress).be(backstage(fortress).add("admin"))
    page, fields = f"{fortress.url}/apps/vault/delete", {"typed": "vault"}
    for csrf in ({}, {"csrf": ""}, {"csrf": "forged"}):
        assert browser.session.post(page, data={**fields, **csrf}).status_code == 403
    assert browser.get("/apps/vault/delete?typed=vault").status_code == 200
    assert browser.get("/apps/vault").status_code == 200


def test_forged_form_or_a_link_creates_nothing(fortress: control.Running) -> None:
    browser = Browser(fortress).be(backstage(fortress).add("dev"))
    page, fields = f"{fortress.url}/apps/-/new", {"name": "planted-app"}
    for csrf in ({}, {"csrf": ""}, {"csrf": "forged"}):
        assert browser.session.post(page, data={**fields, **csrf}).status_code == 403
    assert browser.get("/apps/-/new?name=planted-app").status_code == 200
    assert browser.get("/apps/planted-app").status_code == 404


@pytest.mark.parametrize("form", MANAGING)
def test_forged_form_manages_nothing(form: str, fortress: control.Running) -> None:
    genuine(fortress)
    browser = Browser(fortress).be(backstage(fortress).add("admin"))
    fields = {"csrf": "forged", "level": "unauthenticated", "person": "viewer", "key": "A"}
    fields |= {"password": PASSWORD, "build": "1", "text": "A=planted"}
    fields |= {"process": "web", "number": "0"}
    file = {"thumbnail": b"\x89PNG\r\n\x1a\n"} if form.endswith("/thumbnail") else None
    assert browser.session.post(fortress.url + form, data=fields, files=file).status_code == 403
    assert browser.session.get(fortress.url + form, allow_redirects=False).status_code in (404, 405)


GETS = [
    f"{OPENID}/logout?csrf={{csrf}}",
    f"{OPENID}/logout?client_id=dash-backend",
    f"{REALM}/device?user_code={{code}}&answer=yes&csrf={{csrf}}",
    f"{REALM}/sign-in?username={{other}}&password={{password}}",
    f"{OPENID}/token?grant_type=password&client_id=dash&username={{other}}&password={{password}}",
    f"{OPENID}/revoke?token={{csrf}}",
    "/sandbox/users?username=mallory&role=admin",
    "/Manager/graphql?query=mutation{{addApp(name:%22x%22){{error}}}}",
]


@pytest.mark.parametrize("address", GETS)
def test_no_get_changes_anything(
    address: str, fortress: control.Running, dev: str, other: str
) -> None:
    browser, code = Browser(fortress).be(dev), device(fortress)["user_code"]
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/docs").text)
    assert csrf
    fields = {"csrf": csrf[1], "code": code, "other": other, "password": quote(PASSWORD)}
    assert "access_token" not in browser.get(address.format(**fields)).text
    assert f"<strong>{dev}</strong>" in browser.get("/docs").text
    page = browser.get(f"{REALM}/device?user_code={code}")
    assert "Grant access?" in page.text


def test_cookies_are_for_the_browser_and_this_host_alone(
    fortress: control.Running, dev: str
) -> None:
    browser = Browser(fortress)
    sent = [browser.get(f"{REALM}/sign-in"), browser.sign_in(dev).history[0]]
    genuine(fortress)
    sent += browser.get(f"{browser.apps}/vault/").history
    cookies = [answer.headers["Set-Cookie"] for answer in sent if "Set-Cookie" in answer.headers]
    assert {c.partition("=")[0].split("-")[1] for c in cookies} == {"browser", "session", "visit"}
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        assert "domain" not in cookie.lower()


def test_pages_are_not_to_be_framed_or_scripted(fortress: control.Running) -> None:
    headers = Browser(fortress).get(f"{REALM}/sign-in").headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
    assert "unsafe-inline" not in policy and headers["X-Content-Type-Options"] == "nosniff"


def test_what_people_type_is_no_markup(fortress: control.Running) -> None:
    browser, mark = Browser(fortress), '"><script>alert(1)</script>'
    form = browser.get(f"{REALM}/sign-in?to=/x{quote(mark)}")
    wrong = browser.submit(form, username=mark, password="x")
    assert "<script>" not in form.text + wrong.text


def test_form_of_another_site_takes_no_cookie_away(fortress: control.Running) -> None:
    """Browsers leave the cookie out of such a form, and heed what its answer does to cookies."""
    answer = client().post(f"{fortress.url}{OPENID}/logout", data={"x": "y"}, timeout=BOUND)
    assert answer.status_code == 200 and cookie_of(fortress) not in answer.headers.get(
        "Set-Cookie", ""
    )
