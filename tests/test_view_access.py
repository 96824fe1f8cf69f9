"""Who gets to see an app: viewer access at the proxy, and the way through sign-in."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

import pytest
import requests

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import Person, log_in, passwords

SHOW_REQUEST = """
import http.server, json, os
class Show(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"QUERY_STRING": self.path.partition("?")[2]}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Show).serve_forever()
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """dev on a sandbox where new apps are restricted, as they are by default."""
    folder = tmp_path_factory.mktemp("guarded")
    nobody = Person(folder, "")
    line = f"sandbox start --port 0 --data {folder}/data --no-login --no-device-grant"
    started = nobody.run(f"{line} --rate-limit-points 100000")
    assert started.code == 0, started.err
    running = control.find(folder / "data")
    assert running
    person = log_in(running, "dev", folder)
    for user in ("guest", "member", "partner"):
        role = "licensed_user" if user == "partner" else "viewer"
        groups = ["staff"] if user == "member" else []
        made = {"username": user, "role": role, "groups": groups}
        added = control.administer(running, "users", made)
        known = {**passwords(running), user: added["password"]}
        (running.data / "passwords.json").write_text(json.dumps(known))
    app = folder / "shown"
    app.mkdir()
    (app / "serve.py").write_text(SHOW_REQUEST)
    (app / "Procfile").write_text("web: python serve.py\n")
    done = person.run(f"deploy {app} -y")
    assert done.code == 0, done.err
    people = "--add-viewer guest --add-group-viewer staff --add-co-owner partner"
    assert person.run(f"apps update -n shown {people}").code == 0
    yield person
    control.stop(running)


@pytest.fixture
def browser(guarded: Person) -> Browser:
    running = control.find(guarded.home / "data")
    assert running
    return Browser(running)


@functools.cache
def signed_in(running: control.Running, user: str) -> Browser:
    browser = Browser(running)
    if user != "nobody":
        browser.sign_in(user)
    return browser


def shown(browser: Browser) -> str:
    return f"{browser.apps}/shown/"


ADMITTED = {
    "restricted": {"dev", "admin", "guest", "member", "partner"},
    "authenticated": {"dev", "admin", "guest", "member", "partner", "viewer"},
    "unauthenticated": {"dev", "admin", "guest", "member", "partner", "viewer", "nobody"},
}


@pytest.mark.parametrize("level", ADMITTED)
def test_viewer_access_admits(level: str, guarded: Person, browser: Browser) -> None:
    assert guarded.run(f"apps update -n shown --view-access {level}").code == 0
    seen = set()
    for user in ADMITTED["unauthenticated"]:
        visitor = signed_in(browser.running, user)
        answer = visitor.get(shown(browser))
        if answer.url == shown(browser) and answer.status_code == 200:
            seen.add(user)
        else:
            assert answer.status_code == 403 or "Sign in" in answer.text
    guarded.run("apps update -n shown --view-access restricted")
    assert seen == ADMITTED[level]


def test_new_app_is_restricted(guarded: Person, browser: Browser) -> None:
    assert guarded.run("create --name fresh").code == 0
    browser.sign_in("guest")
    assert browser.get(f"{browser.apps}/fresh/").status_code == 403


def test_sign_in_leads_back_to_the_very_page(browser: Browser) -> None:
    wanted = shown(browser) + "a%20b/c?x=1&y=%2F%2Fevil.example"
    form = browser.get(wanted)
    assert "Sign in" in form.text and form.url.startswith(browser.running.url)
    page = browser.sign_in("guest", form)
    assert page.url == wanted
    assert page.json()["QUERY_STRING"] == "x=1&y=%2F%2Fevil.example"


def test_one_sign_in_serves_every_app(browser: Browser) -> None:
    browser.sign_in("guest")
    assert browser.get(shown(browser)).status_code == 200


def test_signing_out_ends_visits_to_apps(browser: Browser) -> None:
    browser.sign_in("guest")
    browser.get(shown(browser))
    address = "/auth/realms/dash/protocol/openid-connect/logout"
    assert "Sign out?" in browser.get(address).text
    assert browser.get(shown(browser)).status_code == 200
    assert "Signed out" in browser.submit(browser.get(address)).text
    assert "Sign in" in browser.get(shown(browser)).text


def test_script_without_sign_in_gets_401(browser: Browser) -> None:
    posted = requests.post(shown(browser), data="{}", timeout=10)
    fetched = browser.get(shown(browser), headers={"Sec-Fetch-Mode": "cors"})
    assert (posted.status_code, fetched.status_code) == (401, 401)


def test_login_with_a_browser_is_switched_off(guarded: Person) -> None:
    refused = guarded.run("login")
    assert refused.code == 4 and not refused.opened
    assert "Login with a browser is switched off" in refused.err
    assert "Log in with --username" in refused.err
    assert guarded.run("whoami").code == 0
