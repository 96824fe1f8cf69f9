"""The platform's pages in a real browser: headless Chromium, with an accessibility check."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from de_tasks.deployment.previews import prepare
from de_tasks.deployment.previews.prepare import WantedPreview
from de_tasks.platform.models import Changes
from de_tasks.server import control
from de_tasks.server.web.app_page import TABS, address
from tests.support.apps import SERVER, app_folder, held_back
from tests.support.axe import barriers
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser
from tests.support.chromium import CHROMIUM, FLAGS, needs_chromium
from tests.support.people import PROGRAMS, Person, log_in
from tests.support.places import ROOT
from tests.support.platforms import platform_of
from tests.support.report import needs
from tests.support.terminals import Terminal
from tests.support.waiting import BOUND, until

if TYPE_CHECKING:
    from playwright import sync_api
else:
    # Not on every machine that runs the tests.
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason=needs("playwright is not installed", "pip install -e '.[dev]'"),
    )
    pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = needs_chromium
PICTURES = ROOT / "docs" / "images"
PATIENCE = BOUND * 1000
"""Milliseconds that Playwright waits for anything."""


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    """The program; each test opens it anew, with cookies of its own."""
    sync_api.expect.set_options(timeout=PATIENCE)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


class Tab:
    """A page of a browser with cookies of its own, whose console must stay without errors."""

    def __init__(self, browser: sync_api.Browser, running: control.Running, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.running = running
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def be(self, user: str) -> Tab:
        """Be signed in to the platform as a user, without a password."""
        name, value = f"de-session-{self.running.port}", backstage(self.running).session(user)
        self.context.add_cookies([{"name": name, "value": value, "url": self.running.url}])
        return self

    def open(self, path: str) -> sync_api.Page:
        self.page.goto(path if "://" in path else self.running.url + path)
        return self.page

    def sign_in(self, user: str) -> None:
        """Fill in the form for it."""
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(backstage(self.running).password(user))
        self.page.get_by_role("button", name="Sign in").click()

    def shows(self, found: sync_api.Locator) -> None:
        """Wait until something is to be seen."""
        sync_api.expect(found.first).to_be_visible()

    def fits(self) -> bool:
        """Whether a phone shows the page without scrolling to the side."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth") <= 360)

    def barriers(self) -> list[str]:
        """What axe finds wrong with the page for people who cannot see or point."""
        return barriers(self.page)


Open = Callable[..., Tab]


@pytest.fixture
def open_tab(browser: sync_api.Browser, portal: control.Running) -> Iterator[Open]:
    """Opens a tab of a browser that nobody has used, or that a user has signed in with."""
    opened: list[Tab] = []

    def made(user: str = "", **options: Any) -> Tab:
        opened.append(Tab(browser, portal, **options))
        return opened[-1].be(user) if user else opened[-1]

    yield made
    for tab in opened:
        tab.context.close()


@pytest.fixture
def tab(open_tab: Open) -> Tab:
    """A tab of a browser that nobody has used."""
    return open_tab()


@pytest.fixture
def own(open_tab: Open) -> Tab:
    """A tab of dev, signed in."""
    return open_tab("dev")


@pytest.fixture
def viewer(portal: control.Running) -> str:
    """Somebody without a seat, who may open none of the apps."""
    return backstage(portal).add("viewer")


@dataclass(frozen=True)
class Portfolio:
    """Somebody's apps, and the folder of the one that is deployed."""

    person: Person
    folder: Path

    def run(self, *words: str) -> None:
        """A command, which succeeds."""
        done = self.person.run(words)
        assert done.code == 0, done.err


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
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox whose Portal shows the apps of this module alone; dev's, its first user with a
    seat, so that the pictures of it look like anybody's."""
    running = control.start(
        tmp_path_factory.mktemp("portal"), {"port": 0, "rate_limit_points": 9999}
    )
    yield running
    control.stop(running)


@pytest.fixture(scope="module")
def shown(portal: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    """Three apps of dev's in the Portal, one of them deployed and restricted."""
    folder = tmp_path_factory.mktemp("shown") / "energy-use"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: python app.py\n")
    made = Portfolio(log_in(portal, "dev", tmp_path_factory.mktemp("dev")), folder)
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
    return made


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
    tab.page.wait_for_url(f"{tab.running.url}/apps")
    tab.page.get_by_role("link", name="Portal").click()
    tab.shows(tab.page.get_by_role("link", name="Energy use"))
    assert tab.barriers() == [] and tab.errors == []
    picture(tab, "portal")


def test_portal_searches_and_filters(own: Tab, shown: Portfolio) -> None:
    own.open("/")
    items = sync_api.expect(own.page.get_by_role("listitem"))
    items.to_have_count(3)
    own.page.get_by_label("Search apps").fill("churn")
    own.page.get_by_role("button", name="Search").click()
    items.to_have_count(1)
    own.open("/?tag=energy")
    items.to_have_count(2)
    own.open("/?q=nothing-like-it")
    own.shows(own.page.get_by_text("No app matches."))


def test_portal_shows_nobody_what_is_restricted(
    tab: Tab, open_tab: Open, viewer: str, shown: Portfolio
) -> None:
    for visitor in (tab, open_tab(viewer)):
        visitor.open("/")
        visitor.shows(visitor.page.get_by_role("heading"))
        assert "Energy use" not in visitor.page.content() and visitor.barriers() == []


def test_portal_shows_nobody_what_is_for_everybody(open_tab: Open, shown: Portfolio) -> None:
    shown.run("update", "--name", "demand", "--view-access", "unauthenticated")
    phone = open_tab(viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/")
    sync_api.expect(phone.page.get_by_role("listitem")).to_have_count(1)
    phone.shows(phone.page.get_by_role("link", name="Demand forecast"))
    sync_api.expect(phone.page.get_by_label("Tag").locator("option")).to_have_count(2)
    assert "inv " not in phone.page.get_by_role("main").inner_text()
    assert phone.barriers() == [] and phone.errors == [] and phone.fits()
    phone.page.get_by_role("main").get_by_role("link", name="Sign in").press("Enter")
    phone.sign_in("dev")
    phone.page.wait_for_url(f"{phone.running.url}/")
    phone.shows(phone.page.get_by_role("link", name="Energy use"))


def test_viewer_is_refused_a_restricted_app_and_then_let_in(
    tab: Tab, viewer: str, shown: Portfolio
) -> None:
    address = f"http://localhost:{tab.running.port}/energy-use/"
    tab.open(address)
    tab.sign_in(viewer)
    tab.page.wait_for_url(address)
    tab.shows(tab.page.get_by_role("heading", name="No access"))
    assert "It answers" not in tab.page.title() and tab.barriers() == []
    shown.run("update", "--name", "energy-use", "--add-viewer", viewer)
    tab.open(address)
    assert tab.page.title() == "It answers"


def test_build_is_watched_live(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use/builds")
    log = own.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Released")
    (shown.folder / "note.txt").write_text("a change\n")
    shown.run("deploy", str(shown.folder), "-m", "Seen live")
    sync_api.expect(log).to_contain_text("Seen live")
    sync_api.expect(log).to_contain_text("Released")
    sync_api.expect(own.page.get_by_role("status")).to_have_text("built")
    row = own.page.get_by_role("row").filter(has_text="Seen live")
    sync_api.expect(row.get_by_role("rowheader")).to_contain_text("live")
    assert own.barriers() == [] and own.errors == []
    picture(own, "app-manager")


def test_page_of_a_build_is_live(own: Tab, shown: Portfolio, hold: Path) -> None:
    (shown.folder / "Procfile").write_text(held_back(hold, "python app.py"))
    shown.run("deploy", str(shown.folder), "--no-check", "--no-wait", "-m", "Held back")
    own.open("/apps/energy-use/builds")
    own.page.get_by_role("row").filter(has_text="Held back").get_by_role("link").press("Enter")
    log, status = own.page.get_by_label("Log", exact=True), own.page.get_by_role("status")
    sync_api.expect(log).to_contain_text("Starting web")
    sync_api.expect(status).to_have_text("building")
    hold.unlink()
    sync_api.expect(log).to_contain_text("Released")
    sync_api.expect(status).to_have_text("built")
    own.shows(own.page.get_by_text("live", exact=True))
    assert own.barriers() == [] and own.errors == []


def test_page_of_a_new_app_waits_for_its_first_build(
    own: Tab, open_tab: Open, shown: Portfolio, tmp_path: Path
) -> None:
    folder = app_folder(tmp_path, "awaited", Procfile=SERVER)
    shown.run("create", "--name", folder.name)
    own.open(f"/apps/{folder.name}")
    own.shows(own.page.get_by_text("Not deployed yet"))
    refused = open_tab("dev")
    refused.open(f"/apps/{folder.name}/variables")
    refused.page.get_by_label("Name", exact=True).fill("no name")
    refused.page.get_by_label("Name", exact=True).press("Enter")
    refused.shows(refused.page.get_by_role("alert"))
    refused.errors.clear()  # The refusal itself is one to the browser.
    shown.run("deploy", str(folder), "--no-check", "--no-wait", "-m", "First")
    own.shows(own.page.get_by_text("running", exact=True))
    own.shows(own.page.get_by_role("listitem").filter(has_text="web"))
    refused.shows(refused.page.get_by_text("running", exact=True))
    sync_api.expect(own.page.get_by_role("heading", name="Deploy this app")).to_be_hidden()
    assert own.errors == refused.errors == []


def test_apps_are_searched_with_the_keyboard(own: Tab, shown: Portfolio) -> None:
    own.open("/apps")
    own.page.get_by_label("Search apps").fill("energy")
    own.page.get_by_label("State").select_option("running")
    own.page.get_by_label("Search apps").press("Enter")
    own.shows(own.page.get_by_text("1 app matches."))
    sync_api.expect(own.page.get_by_role("rowheader")).to_have_count(1)
    assert own.barriers() == [] and own.errors == []


def test_apps_of_a_tag_and_their_previews_are_found_on_a_phone(
    own: Tab, open_tab: Open, portal: control.Running, shown: Portfolio
) -> None:
    platform, wanted = platform_of(portal, "dev"), WantedPreview("orders", "fix/vat", "dev", "here")
    platform.create_app("orders")
    platform.update("orders", Changes(tags=("trade",)))
    prepare.prepare(platform, wanted, lambda question: True)
    own.open("/apps")
    picture(own, "apps")
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/apps")
    phone.page.get_by_role("link", name="trade").first.press("Enter")
    phone.shows(phone.page.get_by_text("2 apps match."))
    phone.shows(phone.page.get_by_text("Preview of branch fix/vat"))
    assert phone.barriers() == [] and phone.errors == [] and phone.fits()


def test_app_is_created_with_the_keyboard(open_tab: Open) -> None:
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/apps")
    phone.page.get_by_role("link", name="New app").press("Enter")
    phone.page.get_by_label("Name", exact=True).fill("Billing")
    phone.page.get_by_label("Name", exact=True).press("Enter")
    sync_api.expect(phone.page.get_by_role("alert")).to_contain_text("Try billing")
    assert phone.barriers() == [] and phone.fits()
    phone.page.get_by_label("Name", exact=True).fill("billing")
    phone.page.get_by_label("Name", exact=True).press("Enter")
    sync_api.expect(phone.page.get_by_label("The deploy")).to_have_text("inv deploy --name billing")
    # What was refused is an error of the console's, the form being answered with 400.
    assert phone.barriers() == [] and len(phone.errors) == 1 and phone.fits()


def test_runtime_log_goes_on(own: Tab, open_tab: Open, shown: Portfolio) -> None:
    own.open("/apps/energy-use/logs?process=web")
    log = own.page.get_by_label("Log", exact=True)
    sync_api.expect(log).to_contain_text("Listening at")
    open_tab("dev").open(f"http://localhost:{own.running.port}/energy-use/live-visit")
    sync_api.expect(log).to_contain_text("asked for /live-visit")


def test_every_tab_says_what_serves_and_where_one_is(own: Tab, shown: Portfolio) -> None:
    for path, label in zip(APP_PATHS, TABS.values(), strict=True):
        own.open(path)
        chosen = own.page.get_by_role("navigation", name="energy-use").locator("[aria-current]")
        sync_api.expect(chosen).to_have_text(label)
        own.shows(own.page.get_by_text(re.compile(r"Build \d+ is live, deployed .*[0-9a-f]{7}")))
        own.shows(own.page.get_by_text("running", exact=True))
    assert own.errors == []


def test_settings_are_changed_with_the_keyboard(own: Tab, shown: Portfolio) -> None:
    own.open("/apps/energy-use/variables")
    own.page.get_by_label("Name", exact=True).fill("KEY")
    own.page.get_by_label("Value").fill("canary-3107")
    own.page.get_by_label("Value").press("Enter")
    own.shows(own.page.get_by_text("KEY set. Restarting energy-use ..."))
    assert "canary-3107" not in own.page.content()
    # It asks first.
    own.page.get_by_label("Remove KEY", exact=True).press("Enter")
    own.page.keyboard.press("Tab")
    own.page.keyboard.press("Enter")
    sync_api.expect(own.page.get_by_role("status")).to_contain_text("KEY removed.")
    assert own.page.url.endswith("/apps/energy-use/variables")


def test_env_file_is_chosen_with_the_keyboard(
    open_tab: Open, shown: Portfolio, tmp_path: Path
) -> None:
    (tmp_path / "production.env").write_text("ONE=canary-3108\nTWO=canary-3109\n")
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/apps/energy-use/variables")
    with phone.page.expect_file_chooser() as chosen:
        phone.page.get_by_label("File").press("Enter")
    chosen.value.set_files(tmp_path / "production.env")
    phone.page.get_by_role("button", name="Set all").press("Enter")
    phone.shows(phone.page.get_by_text("ONE, TWO set. Restarting energy-use ..."))
    assert "canary-310" not in phone.page.content()
    assert phone.barriers() == [] and phone.errors == [] and phone.fits()


def test_processes_are_scaled_with_the_keyboard(open_tab: Open, shown: Portfolio) -> None:
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/apps/energy-use")
    phone.page.get_by_label("Scale web").press("Enter")
    assert phone.barriers() == [] and phone.fits()
    phone.page.keyboard.press("Tab")
    phone.page.keyboard.type("1")
    phone.page.keyboard.press("Enter")
    phone.shows(phone.page.get_by_text("web was scaled to 1. Restarting energy-use ..."))
    assert phone.barriers() == [] and phone.errors == [] and phone.fits()


def test_thumbnail_is_uploaded_with_the_keyboard(
    open_tab: Open, shown: Portfolio, tmp_path: Path
) -> None:
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme="dark")
    phone.open("/apps/churn/settings")
    phone.page.get_by_role("banner").screenshot(path=tmp_path / "picture.png")
    with phone.page.expect_file_chooser() as chosen:
        phone.page.get_by_label("Picture").press("Enter")
    chosen.value.set_files(tmp_path / "picture.png")
    phone.page.get_by_role("button", name="Upload").press("Enter")
    phone.shows(phone.page.get_by_alt_text("Current thumbnail"))
    for path in ("/apps/churn/settings", "/apps", "/"):
        phone.open(path)
        drawn = phone.page.locator('img[src$="/thumbnails/churn"]')
        assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") == 360
        assert phone.barriers() == [] and phone.fits(), path
    assert phone.errors == []


@pytest.mark.parametrize(
    ("tab", "label", "button"),
    [("settings", "Picture", "Upload"), ("variables", "File", "Set all")],
)
def test_file_that_is_too_large_is_not_sent(
    own: Tab, shown: Portfolio, tmp_path: Path, tab: str, label: str, button: str
) -> None:
    (tmp_path / "large.png").write_bytes(bytes(5 * 1024**2))
    own.open(f"/apps/energy-use/{tab}")
    chooser = own.page.get_by_label(label).and_(own.page.locator("input[type=file]"))
    sent: list[str] = []
    own.page.on("request", lambda request: sent.append(request.method))
    chooser.set_input_files(tmp_path / "large.png")
    own.page.get_by_role("button", name=button, exact=True).click()
    said = str(chooser.evaluate("input => input.validationMessage"))
    assert said.startswith("large.png has 5242880 bytes, and at most "), said
    assert "POST" not in sent
    (tmp_path / "small.env").write_text("A=1")
    chooser.set_input_files(tmp_path / "small.env")
    assert chooser.evaluate("input => input.checkValidity()")
    assert own.errors == []


def test_refusal_is_said_on_the_page(own: Tab, viewer: str, shown: Portfolio) -> None:
    own.open("/apps/energy-use/access")
    section = own.page.get_by_role("main")
    section.get_by_label("Add a user").last.fill(viewer)
    section.get_by_role("button", name="Add").nth(2).click()
    sync_api.expect(own.page.get_by_role("alert")).to_contain_text("no license seat")


def test_device_is_approved_in_the_browser(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab(viewport={"width": 360, "height": 700}, color_scheme="dark")
    user = backstage(tab.running).add("dev")
    person = Person(tmp_path, tab.running.url, {"BROWSER": "true %s"})
    line = [str(PROGRAMS / "de-tasks"), "login"]
    with Terminal(line, person.home, person.variables()) as terminal:
        terminal.shows("and confirm the code")
        tab.open(next(word for word in terminal.text.split() if word.startswith("http")))
        tab.sign_in(user)
        tab.shows(tab.page.get_by_role("button", name="Approve"))
        tab.shows(tab.page.get_by_text("by a program that calls itself de-tasks"))
        assert tab.barriers() == [] and tab.errors == [] and tab.fits()
        tab.page.get_by_role("button", name="Approve").press("Enter")
        tab.shows(tab.page.get_by_text("Access granted"))
        terminal.shows(f"Logged in as [{user}] to [{person.host}]!")


def test_account_shows_the_key_to_its_owner(open_tab: Open, portal: control.Running) -> None:
    user = backstage(portal).add("dev")
    own = open_tab(user)
    own.open("/account")
    assert own.barriers() == []
    own.page.get_by_label("Password").fill("wrong")
    own.page.get_by_role("button", name="Show the key").click()
    sync_api.expect(own.page.get_by_role("alert")).to_contain_text("The password is wrong.")
    own.page.get_by_label("Password").fill(PASSWORD)
    own.page.get_by_role("button", name="Show the key").click()
    sync_api.expect(own.page.get_by_role("status")).to_have_text(backstage(portal).key(user))


def test_sessions_elsewhere_are_ended(open_tab: Open, portal: control.Running) -> None:
    user = backstage(portal).add("dev")
    here, elsewhere = open_tab(user), open_tab(user)
    for one in (here, elsewhere):
        one.open("/account")
        one.shows(one.page.get_by_role("heading", name=user))
    here.open("/account")
    here.page.get_by_role("button", name="Sign out everywhere else").click()
    here.page.get_by_role("button", name="Sign out everywhere else").wait_for(state="detached")
    elsewhere.open("/account")
    elsewhere.shows(elsewhere.page.get_by_role("button", name="Sign in"))
    here.open("/account")
    here.shows(here.page.get_by_role("heading", name=user))


APP_PATHS = [address("energy-use", tab) for tab in TABS]
BUILD, DELETE = "/apps/energy-use/builds/1", "/apps/energy-use/delete"
PATHS = ["/", "/apps", *APP_PATHS, BUILD, f"{BUILD}?q=web", DELETE, "/apps?q=no"]
PATHS += ["/apps/-/new", "/account", "/docs", "/no/where"]


def test_admin_makes_a_user_with_the_keyboard(open_tab: Open) -> None:
    admin = open_tab("admin", viewport={"width": 360, "height": 700})
    admin.open("/account/users")
    admin.page.get_by_label("Change viewer", exact=True).press("Enter")
    assert admin.barriers() == []
    admin.page.get_by_label("User name").fill("newcomer")
    admin.page.get_by_label("User name").press("Enter")
    admin.shows(admin.page.get_by_text("newcomer was created. Password:"))
    assert admin.barriers() == [] and admin.errors == [] and admin.fits()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone(scheme: str, open_tab: Open, shown: Portfolio) -> None:
    phone = open_tab("dev", viewport={"width": 360, "height": 700}, color_scheme=scheme)
    seen = {}
    for path in PATHS:
        phone.open(path)
        seen[path] = (phone.fits(), phone.barriers())
    assert seen == dict.fromkeys(PATHS, (True, []))


def test_cause_of_a_failure_fits_a_phone(open_tab: Open, shown: Portfolio, tmp_path: Path) -> None:
    folder = tmp_path / "failing"
    folder.mkdir()
    (folder / "Procfile").write_text(f"web: python {'alongname' * 9}.py\n")
    words = ("--name", "failing", "--no-check", "-y")
    assert shown.person.run(f"deploy {folder} {' '.join(words)}").code == 3
    phone = open_tab("dev", viewport={"width": 360, "height": 700})
    for path in ("/apps/failing", "/apps/failing/builds", "/apps"):
        phone.open(path)
        assert phone.fits(), path


def test_stranger_sees_no_app(open_tab: Open, viewer: str, shown: Portfolio) -> None:
    tab = open_tab(viewer)
    tab.open("/apps/energy-use")
    assert "Forbidden" in tab.page.title()


def test_forms_of_another_session_are_refused(portal: control.Running, shown: Portfolio) -> None:
    one, other = Browser(portal).be("dev"), Browser(portal).be("dev")
    action = f"{portal.url}/apps/energy-use/restart"
    page, elsewhere = one.get("/apps/energy-use"), other.get("/apps/energy-use")
    assert other.submit(page, action).status_code == 403
    assert one.submit(page, action, csrf="x").status_code == 403
    assert other.submit(elsewhere, action).status_code == 200
    assert one.get("/apps/energy-use/restart").status_code in (404, 405)


def test_live_log_is_not_for_others(portal: control.Running, viewer: str, shown: Portfolio) -> None:
    assert Browser(portal).get("/apps/energy-use/live").status_code == 401
    answer = Browser(portal).be(viewer).get("/apps/energy-use/live")
    assert answer.status_code == 403 and "seat" in answer.json()["error"]


def test_live_log_is_held_open_until_there_is_news(
    portal: control.Running, shown: Portfolio
) -> None:
    browser, live = Browser(portal).be("dev"), "/apps/energy-use/live?process=web"
    known, before = browser.get(live).json()["next"], spent(portal)
    visitor = Browser(portal).be("dev")

    def read(after: int) -> None:
        answer = browser.get(f"{live}&after={after}").json()
        assert answer["lines"], "it answers when there is something to say"
        # Earlier visits may be news still.
        if "asked for /news" not in str(answer["lines"]):
            read(answer["next"])

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(read, known)
        until(lambda: spent(portal) > before, "the request for more of the log")
        visitor.get(f"http://localhost:{portal.port}/energy-use/news")
        asked.result(BOUND)


def spent(portal: control.Running) -> int:
    """The points that dev has spent."""
    return int(control.administer(portal, "points", {})["dev"]["spent"])
