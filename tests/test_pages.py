"""The platform's pages in a real browser: headless Chromium, with an accessibility check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from de_tasks.server import control
from tests.conftest import Cli, passwords

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


@pytest.fixture
def tab(browser: sync_api.Browser, sandbox: control.Running) -> Iterator[Tab]:
    opened = Tab(browser, sandbox)
    yield opened
    opened.context.close()


@pytest.fixture(scope="module")
def shown(
    browser: sync_api.Browser, sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cli]:
    """`inv` of dev, with three apps in the Portal, one of them deployed and restricted."""
    home = tmp_path_factory.mktemp("shown")
    cli = Cli(home, sandbox.url)
    cli.log_in(sandbox)
    folder = home / "energy-use"
    folder.mkdir()
    (folder / "wsgi.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/html')])\n"
        "    print('asked for', environ['PATH_INFO'], flush=True)\n"
        "    return [b'<title>It answers</title><p>Hello']\n"
    )
    (folder / "Procfile").write_text("web: gunicorn wsgi:application\n")
    (folder / "requirements.txt").write_text("gunicorn\n")
    assert cli.run("deploy", "-y", folder=folder).returncode == 0
    for name, title, tags in (
        ("energy-use", "Energy use", ("energy", "finance")),
        ("churn", "Customer churn", ("sales",)),
        ("demand", "Demand forecast", ("energy",)),
    ):
        if name != "energy-use":
            cli.run("create", "--name", name)
        words = ["update", "--name", name, "--title", title, "--visible-on-portal"]
        about = f"{title}, by region and month, with what changed since last year."
        for tag in tags:
            words += ["--tag", tag]
        words += ["--description", about, "--view-access", "restricted"]
        assert cli.run(*words).returncode == 0
    yield cli
    for name in ("energy-use", "churn", "demand"):
        cli.run("delete", "--name", name)


def picture(tab: Tab, name: str) -> None:
    """Screenshots for the README, made anew with PICTURES=1."""
    if os.environ.get("PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=PICTURES / f"{name}.png")


def test_signing_in_leads_to_the_portal(tab: Tab, shown: Cli) -> None:
    tab.open("/apps")
    assert tab.page.url.startswith(f"{tab.running.url}/auth/realms/dash/sign-in")
    assert tab.barriers() == []
    tab.sign_in("dev")
    assert tab.page.url == f"{tab.running.url}/apps"
    tab.page.get_by_role("link", name="Portal").click()
    tab.page.get_by_role("link", name="Energy use").first.wait_for()
    assert tab.barriers() == [] and tab.errors == []
    picture(tab, "portal")


def test_portal_searches_and_filters(tab: Tab, shown: Cli) -> None:
    tab.open("/apps")
    tab.sign_in("dev")
    tab.open("/")
    assert tab.page.get_by_role("listitem").count() == 3
    tab.page.get_by_label("Search apps").fill("churn")
    tab.page.get_by_role("button", name="Search").click()
    assert tab.page.get_by_role("listitem").count() == 1
    tab.open("/?tag=energy")
    assert tab.page.get_by_role("listitem").count() == 2
    tab.open("/?q=nothing-like-it")
    assert tab.page.get_by_text("No app matches.").is_visible()


def test_portal_shows_nobody_what_is_restricted(tab: Tab, shown: Cli) -> None:
    tab.open("/")
    assert "Energy use" not in tab.page.content()
    tab.open("/docs")
    tab.sign_in("viewer")
    tab.open("/")
    assert "Energy use" not in tab.page.content() and tab.barriers() == []


def test_viewer_is_refused_a_restricted_app_and_then_let_in(tab: Tab, shown: Cli) -> None:
    address = f"http://localhost:{tab.running.port}/energy-use/"
    tab.open(address)
    tab.sign_in("viewer")
    assert tab.page.url == address and tab.page.get_by_role("heading").is_visible()
    assert "It answers" not in tab.page.title() and tab.barriers() == []
    shown.run("update", "--name", "energy-use", "--add-viewer", "viewer")
    tab.open(address)
    assert tab.page.title() == "It answers"
    shown.run("update", "--name", "energy-use", "--remove-viewer", "viewer")


def test_build_is_watched_live(tab: Tab, shown: Cli) -> None:
    tab.open("/apps/energy-use")
    tab.sign_in("dev")
    log = tab.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Released")
    folder = shown.home / "energy-use"
    (folder / "note.txt").write_text("a change\n")
    assert shown.run("deploy", "-m", "Seen live", folder=folder).returncode == 0
    sync_api.expect(log).to_contain_text("Seen live")
    sync_api.expect(log).to_contain_text("Released")
    sync_api.expect(tab.page.get_by_role("status")).to_have_text("built")
    assert tab.barriers() == [] and tab.errors == []
    picture(tab, "app-manager")


def test_runtime_log_goes_on(tab: Tab, shown: Cli) -> None:
    tab.open("/apps/energy-use?process=web")
    tab.sign_in("dev")
    log = tab.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Listening at")
    assert tab.context.browser
    visit = Tab(tab.context.browser, tab.running)
    visit.open(f"http://localhost:{tab.running.port}/energy-use/live-visit")
    visit.sign_in("dev")
    sync_api.expect(log).to_contain_text("asked for /live-visit")
    visit.context.close()


def test_settings_are_changed_with_the_keyboard(tab: Tab, shown: Cli) -> None:
    tab.open("/apps/energy-use")
    tab.sign_in("dev")
    tab.page.get_by_label("Name", exact=True).fill("KEY")
    tab.page.get_by_label("Value").fill("canary-3107")
    tab.page.get_by_label("Value").press("Enter")
    remove = tab.page.get_by_role("button", name="Remove KEY")
    remove.wait_for()
    assert "canary-3107" not in tab.page.content()
    remove.press("Enter")
    remove.wait_for(state="detached")


def test_refusal_is_said_on_the_page(tab: Tab, shown: Cli) -> None:
    tab.open("/apps/energy-use")
    tab.sign_in("dev")
    section = tab.page.get_by_role("region", name="Access")
    section.get_by_label("Add a user").last.fill("viewer")
    section.get_by_role("button", name="Add").nth(2).click()
    assert "no license seat" in tab.page.get_by_role("alert").inner_text()


def test_device_is_approved_in_the_browser(tab: Tab, stranger: Cli) -> None:
    script = stranger.home / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {stranger.home}/asked\n')
    script.chmod(0o755)
    environment = {
        **{"PATH": os.environ["PATH"], "HOME": str(stranger.home), "BROWSER": f"{script} %s"},
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DASH_ENTERPRISE_HOST": stranger.host,
    }
    (stranger.home / "tasks.py").write_text("from de_tasks import ns\n")
    inv = str(Path(sys.executable).with_name("inv"))
    child = subprocess.Popen(
        [inv, "login"], cwd=stranger.home, env=environment, stdout=-1, stderr=-1, text=True
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
    assert out == f"Logged in as [dev] to [{stranger.host}]!\n"


def test_account_shows_the_key_to_its_owner(tab: Tab, cli: Cli) -> None:
    tab.open("/account")
    tab.sign_in("dev")
    assert tab.barriers() == []
    tab.page.get_by_label("Password").fill("wrong")
    tab.page.get_by_role("button", name="Show the key").click()
    assert "The password is wrong." in tab.page.get_by_role("alert").inner_text()
    tab.page.get_by_label("Password").fill(passwords(tab.running)["dev"])
    tab.page.get_by_role("button", name="Show the key").click()
    key = cli.run("sandbox.api-key", "--data", str(tab.running.data)).stdout.strip()
    assert tab.page.get_by_role("status").inner_text() == key


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


@pytest.mark.parametrize(
    "path", ["/", "/apps", "/apps/energy-use", "/account", "/docs", "/no/where"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(
    path: str, scheme: str, browser: sync_api.Browser, sandbox: control.Running, shown: Cli
) -> None:
    size = {"width": 375, "height": 700}
    phone = Tab(browser, sandbox, viewport=size, color_scheme=scheme)
    phone.open("/apps")
    phone.sign_in("dev")
    phone.open(path)
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    barriers = phone.barriers()
    phone.context.close()
    assert wide <= 375 and barriers == []


def test_stranger_sees_no_app(tab: Tab, shown: Cli) -> None:
    tab.open("/apps/energy-use")
    tab.sign_in("viewer")
    assert "Forbidden" in tab.page.title()


def test_forms_of_another_session_are_refused(sandbox: control.Running, shown: Cli) -> None:
    from tests.browser import Browser

    one = Browser(sandbox)
    one.sign_in("dev")
    page = one.get("/apps/energy-use")
    assert one.submit(page, f"{sandbox.url}/apps/energy-use/restart", csrf="x").status_code == 403
    assert one.get("/apps/energy-use/restart").status_code in (404, 405)


def test_live_log_is_not_for_others(sandbox: control.Running, shown: Cli) -> None:
    from tests.browser import Browser

    one = Browser(sandbox)
    assert one.get("/apps/energy-use/live").status_code == 401
    one.sign_in("viewer")
    answer = one.get("/apps/energy-use/live")
    assert answer.status_code == 400 and "seat" in json.loads(answer.text)["error"]
