"""Every template is deployed, and does what it shows."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from de_tasks.project.scaffold import plan
from tests.scenarios.demo import callback
from tests.support.axe import barriers
from tests.support.chromium import CHROMIUM, FLAGS
from tests.support.people import Person
from tests.support.report import needs
from tests.support.visits import fetch
from tests.support.waiting import BOUND, until

if TYPE_CHECKING:
    from playwright import sync_api


STORES = ("site", "runs")
"""What a choice is kept in; all else is in a field."""
READY = {
    "dash": "Busiest month",
    "wsgi": "The same as JSON",
    "streamlit": "A month on average",
    "dash-postgres": "What was read off",
    "dash-redis": "Press Forecast to begin.",
}
"""What is on the page of a template when all of it is there."""


def deployed(dev: Person, template: str) -> str:
    """Write a template, deploy it; returns its address."""
    name = f"t-{template}-{secrets.token_hex(2)}"
    made = dev.inv("create", "--template", template, "--name", name)
    assert made.code == 0, made.err
    done = dev.inv("deploy", folder=dev.home / name)
    assert done.code == 0, done.err
    return str(json.loads(dev.inv("status", "--json", folder=dev.home / name).out)["url"])


def post(url: str, body: object) -> dict[str, object]:
    """The answer to JSON that is sent as JSON, as a browser does for a callback."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def asked(output: str, pressed: str, **state: object) -> dict[str, object]:
    """What the browser sends when a button is pressed."""
    names = [dict(zip(("id", "property"), n.split("."), strict=True)) for n in output.split(" ")]
    return {
        "output": f"..{'...'.join(output.split(' '))}..",
        "outputs": names,
        "inputs": [{"id": pressed, "property": "n_clicks", "value": 1}],
        "state": [
            {"id": name, "property": "data" if name in STORES else "value", "value": value}
            for name, value in state.items()
        ],
        "changedPropIds": [f"{pressed}.n_clicks"],
    }


def seen(url: str, template: str, use: Callable[[sync_api.Page], None] = lambda page: None) -> None:
    """Open the page of a template in a browser, and use it: it has a language and keeps nobody out,
    also on a phone and in the dark. Skips the rest of a test where there is no browser."""
    if CHROMIUM is None:
        pytest.skip(needs("Chromium is not installed", "apt-get install chromium-headless-shell"))
    why = needs("playwright is not installed", "pip install -e '.[dev]'")
    playwright = pytest.importorskip("playwright.sync_api", reason=why)
    errors: list[str] = []
    with playwright.sync_playwright() as running:
        page = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page()
        page.set_default_timeout(BOUND * 1000)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(url)
        page.get_by_text(READY[template]).first.wait_for()
        assert page.evaluate("document.documentElement.lang") == "en"
        assert barriers(page) == []
        page.set_viewport_size({"width": 360, "height": 700})
        page.emulate_media(color_scheme="dark")
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        use(page)
    assert errors == []


def test_every_template_has_its_test() -> None:
    tests = {name.removeprefix("test_template_") for name in globals()}
    assert {name.replace("-", "_") for name in plan.app_templates()} <= tests


def test_template_dash(dev: Person) -> None:
    url = deployed(dev, "dash")
    assert "Harbour office" in callback(url)

    def choose(page: sync_api.Page) -> None:
        page.get_by_role("button", name="Carbon").press("Enter")
        page.get_by_text("Carbon in 2025").wait_for()
        assert page.locator("[aria-pressed=true]").all_inner_texts() == ["All sites", "Carbon"]

    seen(url, "dash", choose)


def test_template_wsgi(dev: Person) -> None:
    url = deployed(dev, "wsgi")
    page = fetch(url)[1]
    assert f'href="/{url.split("/")[-2]}/api/sites"' in page
    assert fetch(url + "static/style.css")[0] == 200
    assert json.loads(fetch(url + "api/sites")[1])[0]["name"] == "Harbour office"
    seen(url, "wsgi")


def test_template_streamlit(dev: Person) -> None:
    url = deployed(dev, "streamlit")
    assert "<title>Streamlit</title>" in fetch(url)[1]
    assert fetch(url + "_stcore/health") == (200, "ok")
    seen(url, "streamlit")


def test_template_dash_postgres(dev: Person) -> None:
    page = deployed(dev, "dash-postgres")
    url = page + "_dash-update-component"
    hostile = "North depot'); DROP TABLE readings; --"
    for site, kwh in (("North depot", 12.5), (hostile, 1), ("Old Foundry", 7)):
        shown = json.dumps(
            post(url, asked("readings.children kwh.value", "add", site=site, kwh=kwh))
        )
    assert "12.5" in shown and "7.0" in shown and "DROP" not in shown
    seen(page, "dash-postgres")


def test_template_dash_redis(dev: Person) -> None:
    page = deployed(dev, "dash-redis")
    url = page + "_dash-update-component"
    # A run that takes the worker longer than several looks.
    body = asked("result.children result.className", "start", runs="100000")
    begun = post(url, body)
    query = f"?cacheKey={begun['cacheKey']}&job={begun['job']}"
    progress: set[object] = set()

    def look() -> dict[str, object]:
        answer = post(url + query, body)
        progress.update(answer.get("progress", {}).values())  # type: ignore[attr-defined]
        return answer if "response" in answer else {}

    assert "An even chance" in json.dumps(until(look, "the forecast")) and len(progress) > 1
    seen(page, "dash-redis")


def test_database_that_is_missing_is_named(dev: Person, tmp_path: Path) -> None:
    folder = tmp_path / f"without-postgres-{secrets.token_hex(2)}"
    options = ("-y", "--template", "dash-postgres", "--path", str(folder))
    assert dev.inv("init", *options).code == 0
    failed = dev.inv("deploy", "-y", folder=folder)
    assert failed.code == 3
    assert "inv services.create --type postgres" in failed.err
