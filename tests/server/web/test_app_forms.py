"""The forms of an app's page, sent as a browser sends them, and what the API says afterwards."""

from __future__ import annotations

import json
import re
import secrets
import sys
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.browser import FIELD, Browser
from tests.support.people import People, Person
from tests.support.platforms import platform_of
from tests.support.waiting import BOUND, until


@pytest.fixture
def app(dev: Person) -> str:
    name = f"form-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    return name


def page_fields(text: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return dict(FIELD.findall(text))


def sent(browser: Browser, app: str, tab: str, action: str, **fields: str) -> int:
    """The status of the page that a form of a tab leads to."""
    page = browser.get(f"/apps/{app}/{tab}".rstrip("/"))
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


def test_app_is_described_and_shown_in_the_portal(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    browser = Browser(sandbox).be(dev.name)
    given = {"title": f"<b>{app}", "description": "By <i>month", "tags": "sales", "rank": "3"}
    assert sent(browser, app, "settings", "about", **given, shown="1") == 200
    page, portal = browser.get(f"/apps/{app}/settings").text, browser.get(f"/?q={app}").text
    assert f"&lt;b&gt;{app}" in portal and "By &lt;i&gt;month" in portal and "<b>" not in page
    assert 'value="3"' in page and 'name="shown" value="1" checked' in page
    assert sent(browser, app, "settings", "about", **given) == 200
    assert f"&lt;b&gt;{app}" not in browser.get(f"/?q={app}").text
    assert sent(browser, app, "settings", "about", rank="first") == 400


def test_memory_of_a_service_is_limited_and_freed(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    assert dev.run(f"services create --app-name {app} --type redis").code == 0
    browser, of = Browser(sandbox).be(dev.name), {"service": f"{app}-redis", "kind": "redis"}
    for memory, known in (("64Mi", "64Mi"), ("", None)):
        assert sent(browser, app, "services", "service-memory", memory=memory, **of) == 200
        found = json.loads(dev.run("services list --json").out)
        assert [one["memory"] for one in found if one["apps"] == [app]] == [known]
    assert sent(browser, app, "services", "service-memory", memory="1", **of) == 400


def test_service_is_created_detached_and_attached(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    browser, service = Browser(sandbox).be(dev.name), f"{app}-redis"

    def attached() -> list[str]:
        found = json.loads(dev.run("services list --json").out)
        return next(one["apps"] for one in found if one["name"] == service)

    of = {"service": service, "kind": "redis"}
    # What is there already is not created, nor attached by the way.
    for action, status, apps in (
        *(("create", 200, [app]), ("detach", 200, [])),
        *(("create", 400, []), ("attach", 200, [app])),
    ):
        assert sent(browser, app, "services", f"{action}-service", **of) == status
        assert attached() == apps
    assert "The data is kept." in browser.get(f"/apps/{app}/services").text


def test_admin_transfers_an_app(
    sandbox: control.Running, people: People, dev: Person, app: str
) -> None:
    assert "/transfer" not in Browser(sandbox).be(dev.name).get(f"/apps/{app}/settings").text
    admin, other = Browser(sandbox).be(people["admin"].name), people.add("other")
    assert sent(admin, app, "settings", "transfer", person=other.name) == 200
    assert json.loads(other.run(f"apps info -n {app} --json").out)["owner"] == other.name


def test_app_is_deleted_by_typing_its_name(sandbox: control.Running, dev: Person, app: str) -> None:
    browser = Browser(sandbox).be(dev.name)
    page = browser.get(f"/apps/{app}/delete")
    for typed in ("", "other", app.upper()):
        kept = browser.submit(page, typed=typed)
        assert kept.status_code == 400 and "Nothing was deleted" in kept.text
    assert dev.run(f"apps info -n {app}").code == 0
    gone = browser.submit(page, typed=f" {app} ")
    assert gone.url == f"{sandbox.url}/apps" and f"{app} was deleted." in gone.text
    assert dev.run(f"apps info -n {app}").code != 0


def test_co_owner_is_not_asked_to_delete(
    sandbox: control.Running, people: People, dev: Person, app: str
) -> None:
    other = people["other"]
    assert dev.run(f"update -n {app} --add-co-owner {other.name}").code == 0
    page = Browser(sandbox).be(other.name).get(f"/apps/{app}/delete")
    assert f"Only {dev.name}, who owns {app}" in page.text and 'name="typed"' not in page.text


def test_form_says_once_what_it_did(sandbox: control.Running, dev: Person, app: str) -> None:
    browser = Browser(sandbox).be(dev.name)
    page = browser.get(f"/apps/{app}/variables")
    action = f"{sandbox.url}/apps/{app}/set-variable"
    assert "<i>K</i> set." not in browser.submit(page, action, key="<i>K</i>", value="1").text
    assert ">KEY set.<" in browser.submit(page, action, key="KEY", value="1").text
    assert "KEY set." not in browser.get(f"/apps/{app}/variables?said=KEY+set.").text
    page = browser.get(f"/apps/{app}/variables")
    asks = re.search(r"<details.*?Remove KEY.*?</details>", page.text, re.DOTALL)
    assert asks and "<button" in asks[0] and " open" not in asks[0]
    action = f"{sandbox.url}/apps/{app}/remove-variable"
    assert ">KEY removed.<" in browser.submit(page, action, key="KEY").text


def test_what_a_form_did_is_said_to_its_session_alone(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    one, other = (Browser(sandbox).be(dev.name) for _ in range(2))
    page = one.get(f"/apps/{app}/access")
    action = f"{sandbox.url}/apps/{app}/view-access"
    fields = {**page_fields(page.text), "level": "restricted"}
    one.session.post(action, data=fields, allow_redirects=False, timeout=BOUND)
    said = "Viewer access is now restricted."
    assert said not in other.get(f"/apps/{app}/access").text
    assert said in one.get(f"/apps/{app}/access").text


def test_processes_are_scaled(sandbox: control.Running, dev: Person, quick: Path) -> None:
    assert dev.run(["deploy", str(quick), "-y", "--no-check"]).code == 0
    browser, app = Browser(sandbox).be(dev.name), quick.name
    for number, status in (("2", 200), ("11", 400), ("-1", 400), ("", 400), ("1e9", 400)):
        assert sent(browser, app, "", "scale", process="web", number=number) == status, number
    assert sent(browser, app, "", "scale", process="beat", number="1") == 400

    def scaled() -> bool:
        details = platform_of(sandbox, dev.name).details(app)
        return details is not None and details.scale == {"web": 2}

    until(scaled, "the second process")
    assert (
        'name="number" type="number" min="0" max="10" value="2"' in browser.get(f"/apps/{app}").text
    )


def test_service_that_was_created_and_not_attached_is_named(
    sandbox: control.Running, dev: Person, app: str
) -> None:
    browser = Browser(sandbox).be(dev.name)
    page, to = browser.get(f"/apps/{app}/services"), f"{sandbox.url}/apps/{app}/create-service"
    assert browser.submit(page, to, service=f"{app}-redis", kind="redis").status_code == 200
    second = browser.submit(page, to, service=f"{app}-more", kind="redis")
    assert second.status_code == 400
    assert f"{app}-more was created but not attached:" in second.text
