"""The forms of an app's page, sent as a browser sends them, and what the API says afterwards."""

from __future__ import annotations

import json
import secrets
import sys

import pytest

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person


@pytest.fixture
def app(dev: Person) -> str:
    name = f"form-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    return name


def sent(browser: Browser, app: str, tab: str, action: str, **fields: str) -> int:
    """The status of the page that a form of a tab leads to."""
    page = browser.get(f"/apps/{app}/{tab}")
    assert f"/apps/{app}/{action}" in page.text, page.text
    return browser.submit(page, f"{browser.running.url}/apps/{app}/{action}", **fields).status_code


def test_python_is_set_and_unset(sandbox: control.Running, dev: Person, app: str) -> None:
    browser = Browser(sandbox).be(dev.name)
    own = "{}.{}".format(*sys.version_info)
    for version in (own, ""):
        assert sent(browser, app, "settings", "python", version=version) == 200
        found = json.loads(dev.run(f"apps info -n {app} --json").out)
        assert found["python_version"] == version
    assert sent(browser, app, "settings", "python", version="2.7") == 400


def test_memory_of_a_service_is_limited_and_freed(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    assert dev.run(f"services create --app-name {app} --type redis").code == 0
    browser = Browser(sandbox).be(dev.name)
    for memory, known in (("64Mi", "64Mi"), ("", None)):
        assert sent(browser, app, "services", "service-memory", memory=memory) == 200
        found = json.loads(dev.run("services list --json").out)
        assert [one["memory"] for one in found if one["apps"] == [app]] == [known]
    assert sent(browser, app, "services", "service-memory", memory="1") == 400


def test_admin_transfers_an_app(
    sandbox: control.Running, people: People, dev: Person, app: str
) -> None:
    assert "/transfer" not in Browser(sandbox).be(dev.name).get(f"/apps/{app}/settings").text
    admin, other = Browser(sandbox).be(people["admin"].name), people.add("other")
    assert sent(admin, app, "settings", "transfer", person=other.name) == 200
    assert json.loads(other.run(f"apps info -n {app} --json").out)["owner"] == other.name
