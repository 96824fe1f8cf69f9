"""The platform's pages in a real browser: headless Chromium, with an accessibility check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from de_tasks.server import control
from tests.support.people import People, Person, passwords

if TYPE_CHECKING:
    from playwright import sync_api
else:
    # Not on every machine that runs the tests.
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
PICTURES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
WRONG = "wcag2a", "wcag2aa", "wcag21a", "wcag21aa"


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


class Tab:
    """A page of a browser with cookies of its own, whose console must stay without errors."""

    def __init__(self, browser: sync_api.Browser, running: control.Running, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.running = running
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str) -> sync_api.Page:
        self.page.goto(path if "://" in path else self.running.url + path)
        return self.page

    def sign_in(self, user: str) -> None:
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(passwords(self.running)[user])
        self.page.get_by_role("button", name="Sign in").click()

    def barriers(self) -> list[str]:
        """What axe finds wrong with the page for people who cannot see or point."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"runOnly": list(WRONG)}).response["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found]


@dataclass(frozen=True)
class Portfolio:
    """Somebody's apps, and the folder of the one that is deployed."""

    person: Person
    folder: Path

    def run(self, *words: str) -> None:
        """A command, which succeeds."""
        done = self.person.run(words)
        assert done.code == 0, done.err


@pytest.fixture
def tab(browser: sync_api.Browser, sandbox: control.Running) -> Iterator[Tab]:
    opened = Tab(browser, sandbox)
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def dev(browser: sync_api.Browser, sandbox: control.Running) -> sync_api.StorageState:
    """The cookies of dev's browser, who has signed in."""
    first = Tab(browser, sandbox)
    first.open("/apps")
    first.sign_in("dev")
    first.page.wait_for_url("**/apps")
    state = first.context.storage_state()
    first.context.close()
    return state


@pytest.fixture
def own(
    browser: sync_api.Browser, sandbox: control.Running, dev: sync_api.StorageState
) -> Iterator[Tab]:
    """A tab of dev, signed in."""
    opened = Tab(browser, sandbox, storage_state=dev)
    yield opened
    opened.context.close()


APP = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>It answers</title><p>Hello")
    def log_message(self, *_):
        pass
print("Listening at", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""


@pytest.fixture(scope="module")
def shown(
    sandbox: control.Running, people: People, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portfolio]:
    """Three apps of dev's in the Portal, one of them deployed and restricted."""
    folder = tmp_path_factory.mktemp("shown") / "energy-use"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: python app.py\n")
    made = Portfolio(people["dev"], folder)
    made.run("deploy", str(folder), "-y")
    for name, title, tags in (
        ("energy-use", "Energy use", ("energy", "finance")),
        ("churn", "Customer churn", ("sales",)),
        ("demand", "Demand forecast", ("energy",)),
    ):
        if name != "energy-use":
            made.run("create", "--name", name)
        about = f"{title}, by region and month, with what changed since last year."
        words = ["--name", name, "--title", title, "--visible-on-portal", "--description", about]
        for tag in tags:
            words += ["--tag", tag]
        made.run("update", *words, "--view-access", "restricted")
    yield made
    for name in ("energy-use", "churn", "demand"):
        made.run("delete", "--name", name, "-y")


def picture(tab: Tab, name: str) -> None:
    """Screenshots for the README, made anew with PICTURES=1."""
    if os.environ.get("PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=PICTURES / f"{name}.png")


def test_signing_in_leads_to_the_portal(tab: Tab, shown: Portfolio) -> None:
    tab.open("/apps")
    assert tab.page.url.startswith(f"{tab.running.url}/auth/realms/dash/sign-in")
    assert tab.barriers() == []
    tab.sign_in("dev")
    assert tab.page.url == f"{tab.running.url}/apps"
    tab.page.get_by_role("link", name="Portal").click()
    tab.page.get_by_role("link", name="Energy use").first.wait_for()
    assert tab.barriers() == [] and tab.errors == []
    picture(tab, "portal")


def test_portal_searches_and_filters(own: Tab, shown: Portfolio) -> None:
    own.open("/apps")
    own.open("/")
    assert own.page.get_by_role("listitem").count() == 3
    own.page.get_by_label("Search apps").fill("churn")
    own.page.get_by_role("button", name="Search").click()
    assert own.page.get_by_role("listitem").count() == 1
    own.open("/?tag=energy")
    assert own.page.get_by_role("listitem").count() == 2
    own.open("/?q=nothing-like-it")
    assert own.page.get_by_text("No app matches.").is_visible()


def test_portal_shows_nobody_what_is_restricted(tab: Tab, shown: Portfolio) -> None:
    tab.open("/")
    assert "Energy use" not in tab.page.content()
    tab.open("/docs")
    tab.sign_in("viewer")
    tab.open("/")
    assert "Energy use" not in tab.page.content() and tab.barriers() == []


def test_viewer_is_refused_a_restricted_app_and_then_let_in(tab: Tab, shown: Portfolio) -> None:
    address = f"http://localhost:{tab.running.port}/energy-use/"
    tab.open(address)
    tab.sign_in("viewer")
    assert tab.page.url == address and tab.page.get_by_role("heading").is_visible()
    assert "It answers" not in tab.page.title() and tab.barriers() == []
    shown.run("update", "--name", "energy-use", "--add-viewer", "viewer")
    tab.open(address)
    assert tab.page.title() == "It answers"
    shown.run("update", "--name", "energy-use", "--remove-viewer", "viewer")


def test_build_is_watched_live(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use")
    log = own.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Released")
    (shown.folder / "note.txt").write_text("a change\n")
    shown.run("deploy", str(shown.folder), "-m", "Seen live")
    sync_api.expect(log).to_contain_text("Seen live")
    sync_api.expect(log).to_contain_text("Released")
    sync_api.expect(own.page.get_by_role("status")).to_have_text("built")
    assert own.barriers() == [] and own.errors == []
    picture(own, "app-manager")


def test_runtime_log_goes_on(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use?process=web")
    log = own.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Listening at")
    assert own.context.browser
    visit = Tab(own.context.browser, own.running)
    visit.open(f"http://localhost:{own.running.port}/energy-use/live-visit")
    visit.sign_in("dev")
    sync_api.expect(log).to_contain_text("asked for /live-visit")
    visit.context.close()


def test_settings_are_changed_with_the_keyboard(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use")
    own.page.get_by_label("Name", exact=True).fill("KEY")
    own.page.get_by_label("Value").fill("canary-3107")
    own.page.get_by_label("Value").press("Enter")
    remove = own.page.get_by_role("button", name="Remove KEY")
    remove.wait_for()
    assert "canary-3107" not in own.page.content()
    remove.press("Enter")
    remove.wait_for(state="detached")


def test_refusal_is_said_on_the_page(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use")
    section = own.page.get_by_role("region", name="Access")
    section.get_by_label("Add a user").last.fill("viewer")
    section.get_by_role("button", name="Add").nth(2).click()
    assert "no license seat" in own.page.get_by_role("alert").inner_text()


def test_device_is_approved_in_the_browser(tab: Tab, nobody: Person) -> None:
    script = nobody.home / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {nobody.home}/asked\n')
    script.chmod(0o755)
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": str(nobody.home), "BROWSER": f"{script} %s"},
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DASH_ENTERPRISE_HOST": nobody.host,
    }
    (nobody.home / "tasks.py").write_text("from de_tasks import ns\n")
    inv = str(Path(sys.executable).with_name("inv"))
    child = subprocess.Popen(
        [inv, "login"], cwd=nobody.home, env=environment, stdout=-1, stderr=-1, text=True
    )
    assert child.stderr and child.stdout
    told = child.stderr.readline() + child.stderr.readline()
    address = next(word for word in told.split() if word.startswith("http"))
    tab.open(address)
    tab.sign_in("dev")
    assert tab.barriers() == []
    tab.page.get_by_role("button", name="Yes").click()
    assert tab.page.get_by_text("Access granted").first.is_visible()
    out, _ = child.communicate(timeout=60)
    assert out == f"Logged in as [dev] to [{nobody.host}]!\n"


def test_account_shows_the_key_to_its_owner(own: Tab, people: People) -> None:
    own.open("/account")
    assert own.barriers() == []
    own.page.get_by_label("Password").fill("wrong")
    own.page.get_by_role("button", name="Show the key").click()
    assert "The password is wrong." in own.page.get_by_role("alert").inner_text()
    own.page.get_by_label("Password").fill(passwords(own.running)["dev"])
    own.page.get_by_role("button", name="Show the key").click()
    key = people["dev"].run(f"sandbox api-key --data {own.running.data}").out.strip()
    assert own.page.get_by_role("status").inner_text() == key


def test_sessions_elsewhere_are_ended(tab: Tab, browser: sync_api.Browser) -> None:
    other = Tab(browser, tab.running)
    for one in (tab, other):
        one.open("/account")
        one.sign_in("admin")
    tab.open("/account")
    tab.page.get_by_role("button", name="Sign out everywhere else").click()
    other.open("/account")
    assert other.page.get_by_role("button", name="Sign in").is_visible()
    other.context.close()


PATHS = ["/", "/apps", "/apps/energy-use", "/account", "/docs", "/no/where"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(
    scheme: str,
    browser: sync_api.Browser,
    sandbox: control.Running,
    shown: Portfolio,
    dev: sync_api.StorageState,
) -> None:
    size = {"width": 375, "height": 700}
    phone = Tab(browser, sandbox, viewport=size, color_scheme=scheme, storage_state=dev)
    seen = {}
    for path in PATHS:
        phone.open(path)
        wide = phone.page.evaluate("document.documentElement.scrollWidth")
        seen[path] = (wide <= 375, phone.barriers())
    phone.context.close()
    assert seen == dict.fromkeys(PATHS, (True, []))


def test_stranger_sees_no_app(tab: Tab, shown: Portfolio) -> None:
    tab.open("/apps/energy-use")
    tab.sign_in("viewer")
    assert "Forbidden" in tab.page.title()


def test_forms_of_another_session_are_refused(sandbox: control.Running, shown: Portfolio) -> None:
    from tests.support.browser import Browser

    one = Browser(sandbox)
    one.sign_in("dev")
    page = one.get("/apps/energy-use")
    assert one.submit(page, f"{sandbox.url}/apps/energy-use/restart", csrf="x").status_code == 403
    assert one.get("/apps/energy-use/restart").status_code in (404, 405)


def test_live_log_is_not_for_others(sandbox: control.Running, shown: Portfolio) -> None:
    from tests.support.browser import Browser

    one = Browser(sandbox)
    assert one.get("/apps/energy-use/live").status_code == 401
    one.sign_in("viewer")
    answer = one.get("/apps/energy-use/live")
    assert answer.status_code == 400 and "seat" in json.loads(answer.text)["error"]
