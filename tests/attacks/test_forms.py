"""Attacks on people's browsers: planted sessions, forged forms, frames, markup."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
import requests

from de_tasks.server import control
from de_tasks.server.manager import CHANGES
from tests.support.attacker import OPENID, REALM, genuine, signed_in
from tests.support.browser import Browser


def test_session_is_a_new_one_after_signing_in(fortress: control.Running) -> None:
    browser = Browser(fortress)
    name = f"de-session-{fortress.port}"
    for planted in ("", "planted-by-an-attacker"):
        if planted:
            browser.session.cookies.set(name, planted, domain="127.0.0.1", path="/")
        browser.sign_in("viewer")
    values = [c.value for c in browser.session.cookies if c.name == name]
    assert len(values) == 1 and values[0] != "planted-by-an-attacker"
    stranger = requests.get(
        f"{fortress.url}/docs", cookies={name: "planted-by-an-attacker"}, timeout=9
    )
    assert "Sign in" in stranger.text


def test_session_before_signing_in_again_is_over(fortress: control.Running) -> None:
    browser, name = Browser(fortress), f"de-session-{fortress.port}"
    browser.sign_in("dev")
    old = browser.session.cookies.get(name)
    browser.sign_in("dev")
    answer = requests.get(f"{fortress.url}/docs", cookies={name: str(old)}, timeout=9)
    assert "Sign in" in answer.text


FORMS = [f"{REALM}/sign-in", f"{OPENID}/logout", f"{REALM}/device"]


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "wrong"])
@pytest.mark.parametrize("form", FORMS)
def test_forged_form_does_nothing(form: str, csrf: str | None, fortress: control.Running) -> None:
    browser = Browser(fortress)
    browser.sign_in("dev")
    begun = requests.post(
        f"{fortress.url}{OPENID}/auth/device", data={"client_id": "dash"}, timeout=9
    ).json()
    fields = {"user_code": begun["user_code"], "answer": "yes", "username": "viewer"}
    fields |= {"password": passwords(fortress)["viewer"]} | ({} if csrf is None else {"csrf": csrf})
    assert browser.session.post(fortress.url + form, data=fields).status_code == 403
    assert "<strong>dev</strong>" in browser.get("/docs").text
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "dash"}
    grant |= {"device_code": begun["device_code"]}
    polled = requests.post(f"{fortress.url}{OPENID}/token", data=grant, timeout=9)
    assert polled.json()["error"] == "authorization_pending"


MANAGING = [
    *("/account/api-key", "/account/new-api-key", "/account/end-others"),
    *(f"/apps/vault/{action}" for action in CHANGES),
]


@pytest.mark.parametrize("form", MANAGING)
def test_forged_form_manages_nothing(form: str, fortress: control.Running) -> None:
    genuine(fortress)
    browser = signed_in(fortress, "admin", "manage")
    fields = {"csrf": "forged", "level": "unauthenticated", "person": "viewer", "key": "A"}
    assert browser.session.post(fortress.url + form, data=fields).status_code == 403
    assert browser.session.get(fortress.url + form, allow_redirects=False).status_code in (404, 405)


GETS = [
    f"{OPENID}/logout?csrf={{csrf}}",
    f"{OPENID}/logout?client_id=dash-backend",
    f"{REALM}/device?user_code={{code}}&answer=yes&csrf={{csrf}}",
    f"{REALM}/sign-in?username=viewer&password={{password}}",
    f"{OPENID}/token?grant_type=password&client_id=dash&username=viewer&password={{password}}",
    f"{OPENID}/revoke?token={{csrf}}",
    "/sandbox/users?username=mallory&role=admin",
    "/Manager/graphql?query=mutation{{addApp(name:%22x%22){{error}}}}",
]


@pytest.mark.parametrize("address", GETS)
def test_no_get_changes_anything(address: str, fortress: control.Running) -> None:
    browser = Browser(fortress)
    page = browser.sign_in("dev")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    begun = requests.post(
        f"{fortress.url}{OPENID}/auth/device", data={"client_id": "dash"}, timeout=9
    ).json()
    assert csrf
    word = passwords(fortress)["viewer"]
    answer = browser.get(address.format(csrf=csrf[1], code=begun["user_code"], password=word))
    assert "access_token" not in answer.text
    assert "<strong>dev</strong>" in browser.get("/docs").text
    page = browser.get(f"{REALM}/device?user_code={begun['user_code']}")
    assert "Grant access?" in page.text


def test_cookies_are_for_the_browser_and_this_host_alone(fortress: control.Running) -> None:
    browser = Browser(fortress)
    sent = [browser.get(f"{REALM}/sign-in"), browser.sign_in("viewer").history[0]]
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
    answer = requests.post(f"{fortress.url}{OPENID}/logout", data={"x": "y"}, timeout=9)
    assert f"de-session-{fortress.port}" not in answer.headers.get("Set-Cookie", "")
