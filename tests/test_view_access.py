"""Who gets to see an app: viewer access at the proxy, and the way through sign-in."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.browser import Browser
from tests.conftest import WSGI, Cli, passwords

SHOW_REQUEST = """
import json
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, str)}).encode()]
"""


def deploy(cli: Cli, folder: Path, name: str, code: str = WSGI) -> str:
    """Deploy a WSGI app; its address."""
    folder.mkdir(exist_ok=True)
    (folder / "wsgi.py").write_text(code)
    (folder / "Procfile").write_text("web: gunicorn wsgi:application --threads 4\n")
    (folder / "requirements.txt").write_text("gunicorn\n")
    done = cli.run("deploy", "-y", "--name", name, folder=folder)
    assert done.returncode == 0, done.stderr
    return f"http://localhost:{cli.host.rpartition(':')[2]}/{name}/"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """dev on a sandbox where new apps are restricted, as they are by default."""
    folder = tmp_path_factory.mktemp("guarded")
    options = {"port": control.free_port(), "rate_limit_points": 100_000}
    running = control.start(folder / "data", options)
    cli = Cli(folder, running.url)
    cli.log_in(running)
    for user in ("guest", "member", "partner"):
        role = "licensed_user" if user == "partner" else "viewer"
        groups = ["staff"] if user == "member" else []
        made = {"username": user, "role": role, "groups": groups}
        added = control.administer(running, "users", made)
        known = {**passwords(running), user: added["password"]}
        (running.data / "passwords.json").write_text(json.dumps(known))
    deploy(cli, folder / "app", "shown", SHOW_REQUEST)
    people = ("--add-viewer", "guest", "--add-group-viewer", "staff", "--add-co-owner", "partner")
    done = cli.run("apps.update", "--name", "shown", *people)
    assert done.returncode == 0, done.stderr
    yield cli
    control.stop(running)


@pytest.fixture
def browser(guarded: Cli) -> Browser:
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
def test_viewer_access_admits(level: str, guarded: Cli, browser: Browser) -> None:
    assert guarded.run("apps.update", "--name", "shown", "--view-access", level).returncode == 0
    seen = set()
    for user in ADMITTED["unauthenticated"]:
        visitor = signed_in(browser.running, user)
        answer = visitor.get(shown(browser))
        if answer.url == shown(browser) and answer.status_code == 200:
            seen.add(user)
        else:
            assert answer.status_code == 403 or "Sign in" in answer.text
    guarded.run("apps.update", "--name", "shown", "--view-access", "restricted")
    assert seen == ADMITTED[level]


def test_new_app_is_restricted(guarded: Cli, browser: Browser) -> None:
    assert guarded.run("create", "--name", "fresh").returncode == 0
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


def test_cookies_are_secure_under_tls(tmp_path: Path) -> None:
    running = control.start(tmp_path / "data", {"port": control.free_port(), "tls": True})
    try:
        page = requests.get(
            f"{running.url}/auth/realms/dash/sign-in", verify=running.ca_path, timeout=10
        )
        name, _, rest = page.headers["Set-Cookie"].partition("=")
        assert name == f"__Host-de-browser-{running.port}" and "Secure" in rest
    finally:
        control.stop(running)
