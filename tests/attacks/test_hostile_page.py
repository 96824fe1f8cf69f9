"""A hostile app's page in a real browser: its script tries to act as the visitor, an admin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.attacker import OPENID, genuine
from tests.support.backstage import backstage
from tests.support.chromium import CHROMIUM, FLAGS, needs_chromium
from tests.support.people import Person, log_in
from tests.support.report import needs
from tests.support.waiting import until

if TYPE_CHECKING:
    from playwright import sync_api
else:
    # Not on every machine that runs the tests.
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason=needs("playwright is not installed", "pip install -e '.[dev]'"),
    )
pytestmark = needs_chromium
PAGE = "<!DOCTYPE html><title>Hostile</title><p>Nothing to see"
TRIES = {
    "cookie": "() => document.cookie",
    "fetch": """async url => {
        const answer = await fetch(url + "/account", {credentials: "include"});
        return (await answer.text()).includes("Signed in as") }""",
    "blind fetch": """async url => {
        const answer = await fetch(url + "/account", {credentials: "include", mode: "no-cors"});
        return (await answer.text()).length > 0 }""",
    "api": """async url => {
        const answer = await fetch(url + "/Manager/graphql", {method: "POST",
            credentials: "include", headers: {"Content-Type": "text/plain"},
            body: JSON.stringify({query: "{ current { username } }"})});
        return await answer.text() }""",
    "frame": """url => new Promise(done => {
        const frame = document.createElement("iframe");
        frame.onload = () => { try { done(frame.contentDocument.body.innerHTML.length > 0) }
                               catch { done(false) } };
        frame.src = url + "/account"; document.body.append(frame) })""",
    "window": """url => new Promise(done => {
        const other = window.open(url + "/account");
        setTimeout(() => { try { done(other.document.body.innerHTML.length > 0) }
                           catch { done(false) } }, 1000) })""",
}


@pytest.fixture(scope="module")
def hostile(fortress: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a hostile app's page."""
    base = tmp_path_factory.mktemp("page")
    folder = app_folder(base, "page", Procfile=SERVER, index_html=PAGE)
    genuine(fortress)
    dev = log_in(fortress, backstage(fortress).add("dev"), base / "author")
    done = dev.run(f"deploy {folder} -y")
    assert done.code == 0, done.err
    assert dev.run(f"update -n {folder.name} --view-access authenticated").code == 0
    yield f"http://localhost:{fortress.port}/{folder.name}/"
    dev.run(f"delete -y -n {folder.name}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def admin(fortress: control.Running) -> str:
    """The name of the visitor."""
    return backstage(fortress).add("admin")


@pytest.fixture
def page(
    hostile: str, admin: str, fortress: control.Running, chromium: sync_api.Browser
) -> Iterator[sync_api.Page]:
    """The hostile page, open in the browser of an admin."""
    name, value = f"de-session-{fortress.port}", backstage(fortress).session(admin)
    with chromium.new_context() as context:
        # As the platform sets it, which another test looks at.
        context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "url": fortress.url,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
            ]
        )
        opened = context.new_page()
        opened.goto(hostile)
        assert opened.title() == "Hostile"
        yield opened


WORKING = """
import http.server, os
class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Service-Worker-Allowed", "/")
        super().end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
REGISTER = """async scope => {
    await navigator.serviceWorker.register("worker.js", scope ? {scope} : {}) }"""
COUNT = "async () => (await navigator.serviceWorker.getRegistrations()).length"


@dataclass(frozen=True)
class WithWorker:
    """An app of somebody's that has a service worker, open in a browser of its own."""

    owner: Person
    name: str
    page: sync_api.Page


@pytest.fixture
def with_worker(
    fortress: control.Running, chromium: sync_api.Browser, tmp_path: Path
) -> Iterator[WithWorker]:
    files = {"serve_py": WORKING, "worker_js": "", "index_html": PAGE}
    folder = app_folder(tmp_path, "worker", Procfile="web: python serve.py\n", **files)
    dev = log_in(fortress, backstage(fortress).add("dev"), tmp_path / "author")
    assert dev.run(f"deploy {folder} -y").code == 0
    assert dev.run(f"update -n {folder.name} --view-access unauthenticated").code == 0
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"http://localhost:{fortress.port}/{folder.name}/")
        yield WithWorker(dev, folder.name, page)


@pytest.mark.parametrize("scope", ["/", "/vault/"])
def test_service_worker_is_for_no_other_app(scope: str, with_worker: WithWorker) -> None:
    with pytest.raises(sync_api.Error, match="SecurityError"):
        with_worker.page.evaluate(REGISTER, scope)
    assert with_worker.page.evaluate(COUNT) == 0


def test_service_worker_ends_with_its_app(with_worker: WithWorker) -> None:
    page = with_worker.page
    page.evaluate(REGISTER, "")
    assert page.evaluate(COUNT) == 1
    assert with_worker.owner.run(f"delete -y -n {with_worker.name}").code == 0
    gone = page.reload()
    assert gone and gone.status == 404
    until(lambda: page.evaluate(COUNT) == 0, "the browser takes the worker away")


@pytest.mark.parametrize("kind", TRIES)
def test_script_gets_nothing_of_the_platform(
    kind: str, page: sync_api.Page, fortress: control.Running
) -> None:
    try:
        got: Any = page.evaluate(TRIES[kind], fortress.url)
    except sync_api.Error as error:
        assert "Failed to fetch" in str(error)
        return
    assert not got


@pytest.mark.parametrize("path", [f"{OPENID}/logout", "/account/end-others", "/apps/vault/restart"])
def test_form_sent_by_a_script_does_nothing(
    path: str, page: sync_api.Page, hostile: str, admin: str, fortress: control.Running
) -> None:
    send = """address => { const form = document.createElement("form");
        form.method = "post"; form.action = address; document.body.append(form); form.submit() }"""
    with page.expect_navigation() as answer:
        page.evaluate(send, fortress.url + path)
    assert answer.value
    sent = answer.value.request.all_headers()
    assert "de-session" not in sent.get("cookie", "")
    page.goto(f"{fortress.url}/docs")
    assert f"Signed in as {admin}" in page.inner_text("main")
    page.goto(hostile)
    assert page.title() == "Hostile"
