"""A hostile app's page in a real browser: its script tries to act as the visitor, an admin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from de_tasks.server import control
from tests.support.attacker import OPENID, genuine, keeper
from tests.support.people import log_in

if TYPE_CHECKING:
    from playwright import sync_api
else:
    # Not on every machine that runs the tests.
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
PAGE = "<!DOCTYPE html><title>Hostile</title><p>Nothing to see"
TRIES = {
    "cookie": "() => document.cookie",
    "fetch": """async url => {
        const answer = await fetch(url + "/account", {credentials: "include"});
        return (await answer.text()).includes("keeper") }""",
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
def page(
    fortress: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sync_api.Page]:
    """The page of the hostile app, open in the browser of an admin."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "page").mkdir()
    (folder / "page" / "index.html").write_text(PAGE)
    (folder / "page" / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
    genuine(fortress)
    dev = log_in(fortress, "dev", folder)
    done = dev.run(f"deploy {folder}/page -y")
    assert done.code == 0, done.err
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        opened = browser.new_page()
        opened.goto(f"http://localhost:{fortress.port}/page/")
        opened.get_by_label("User name").fill("keeper")
        opened.get_by_label("Password").fill(keeper(fortress))
        opened.get_by_role("button", name="Sign in").click()
        opened.wait_for_url("**/page/")
        yield opened
        browser.close()
    dev.run("delete -y -n page")


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
    path: str, page: sync_api.Page, fortress: control.Running
) -> None:
    send = """address => { const form = document.createElement("form");
        form.method = "post"; form.action = address; document.body.append(form); form.submit() }"""
    with page.expect_navigation() as answer:
        page.evaluate(send, fortress.url + path)
    assert answer.value
    sent = answer.value.request.all_headers()
    assert "de-session" not in sent.get("cookie", "")
    page.goto(f"{fortress.url}/docs")
    assert "Signed in as keeper" in page.inner_text("main")
    page.goto(f"http://localhost:{fortress.port}/page/")
    assert page.title() == "Hostile"
