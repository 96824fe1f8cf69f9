"""Who gets to see an app: viewer access at the proxy, and the way through sign-in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import Person, log_in

pytestmark = pytest.mark.sandbox

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


@dataclass(frozen=True)
class Guarded:
    """A sandbox where new apps are restricted, as they are by default, and its people."""

    running: control.Running
    owner: Person
    names: dict[str, str]
    """Of users, by what they are to the apps."""

    def deploy(self) -> str:
        """A new app with viewers and a co-owner; returns its name."""
        name = f"shown-{secrets.token_hex(3)}"
        folder = self.owner.home / name
        folder.mkdir()
        (folder / "serve.py").write_text(SHOW_REQUEST)
        (folder / "Procfile").write_text("web: python serve.py\n")
        guest, partner = self.names["guest"], self.names["partner"]
        access = f"--add-viewer {guest} --add-group-viewer staff --add-co-owner {partner}"
        for line in (f"deploy {folder} -y", f"apps update -n {name} {access}"):
            done = self.owner.run(line)
            assert done.code == 0, done.err
        return name

    def address(self, app: str) -> str:
        """Where an app is served."""
        return f"http://localhost:{self.running.port}/{app}/"

    def browser(self, kind: str) -> Browser:
        """A new browser, signed in unless it is nobody's."""
        browser = Browser(self.running)
        return browser if kind == "nobody" else browser.be(self.names[kind])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    line = f"sandbox start --port 0 --data {folder}/data --no-login --no-device-grant"
    started = Person(folder, "").run(f"{line} --rate-limit-points 100000")
    assert started.code == 0, started.err
    running = control.find(folder / "data")
    assert running
    try:
        yield populated(running, folder)
    finally:
        control.stop(running)


def populated(running: control.Running, folder: Path) -> Guarded:
    books = backstage(running)
    names = {
        "owner": books.add("owner"),
        "admin": books.add("admin"),
        "viewer": books.add("viewer"),
        "guest": books.add("guest", "viewer"),
        "member": books.add("member", "viewer", ["staff"]),
        "partner": books.add("partner"),
    }
    return Guarded(running, log_in(running, names["owner"], folder / "home"), names)


@pytest.fixture(scope="module")
def app(guarded: Guarded) -> str:
    """The address of an app that is restricted, and stays so."""
    return guarded.address(guarded.deploy())


INSIDERS = {"owner", "admin", "guest", "member", "partner"}
ADMITTED = {
    "restricted": INSIDERS,
    "authenticated": INSIDERS | {"viewer"},
    "unauthenticated": INSIDERS | {"viewer", "nobody"},
}


@pytest.mark.parametrize("level", ADMITTED)
def test_viewer_access_admits(level: str, guarded: Guarded) -> None:
    name = guarded.deploy()
    assert guarded.owner.run(f"apps update -n {name} --view-access {level}").code == 0
    address, seen = guarded.address(name), set()
    for kind in ADMITTED["unauthenticated"]:
        answer = guarded.browser(kind).get(address)
        if answer.url == address and answer.status_code == 200:
            seen.add(kind)
        else:
            assert answer.status_code == 403 or "Sign in" in answer.text
    assert seen == ADMITTED[level]


def test_new_app_is_restricted(guarded: Guarded) -> None:
    name = f"fresh-{secrets.token_hex(3)}"
    assert guarded.owner.run(f"create --name {name}").code == 0
    assert guarded.browser("guest").get(guarded.address(name)).status_code == 403


def test_sign_in_leads_back_to_the_very_page(guarded: Guarded, app: str) -> None:
    browser, wanted = guarded.browser("nobody"), app + "a%20b/c?x=1&y=%2F%2Fevil.example"
    form = browser.get(wanted)
    assert "Sign in" in form.text and form.url.startswith(guarded.running.url)
    page = browser.sign_in(guarded.names["guest"], form)
    assert page.url == wanted
    assert page.json()["QUERY_STRING"] == "x=1&y=%2F%2Fevil.example"


def test_one_sign_in_serves_every_app(guarded: Guarded, app: str) -> None:
    browser = guarded.browser("nobody")
    browser.sign_in(guarded.names["guest"])
    for address in (app, guarded.address(guarded.deploy())):
        assert browser.get(address).status_code == 200


def test_signing_out_ends_visits_to_apps(guarded: Guarded, app: str) -> None:
    browser = guarded.browser("guest")
    browser.get(app)
    address = "/auth/realms/dash/protocol/openid-connect/logout"
    assert "Sign out?" in browser.get(address).text
    assert browser.get(app).status_code == 200
    assert "Signed out" in browser.submit(browser.get(address)).text
    assert "Sign in" in browser.get(app).text


def test_script_without_sign_in_gets_401(guarded: Guarded, app: str) -> None:
    browser = guarded.browser("nobody")
    posted = browser.session.post(app, data="{}", timeout=30)
    fetched = browser.get(app, headers={"Sec-Fetch-Mode": "cors"})
    assert (posted.status_code, fetched.status_code) == (401, 401)


def test_login_with_a_browser_is_switched_off(guarded: Guarded) -> None:
    refused = guarded.owner.run("login", terminal=True)
    assert refused.code == 4 and not refused.opened
    assert "Login with a browser is switched off" in refused.err
    assert "Log in with --username" in refused.err
    assert guarded.owner.run("whoami").code == 0


def test_start_of_the_apps_host_leads_to_the_platform(guarded: Guarded) -> None:
    browser = guarded.browser("nobody")
    answer = browser.get(f"{browser.apps}/", allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{guarded.running.url}/"


def test_script_beside_all_apps_is_no_worker(
    dev: Person, page: Path, sandbox: control.Running
) -> None:
    """A browser lets a worker have the folder of its script: without a slash, that of all apps."""
    assert dev.inv("deploy", "-y", "--no-check", folder=page).code == 0
    browser, headers = Browser(sandbox), {"Service-Worker": "script"}
    address = f"{browser.apps}/{page.name}"
    asked = browser.get(address, headers=headers, allow_redirects=False)
    assert asked.status_code == 404 and "There is no worker at this address." in asked.text
    assert browser.get(address, allow_redirects=False).headers["Location"] == f"/{page.name}/"
