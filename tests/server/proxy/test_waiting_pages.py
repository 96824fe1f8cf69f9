"""What a visitor sees of an app that does not answer yet, and the way back from each error."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.apps import held_back
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.waiting import until


@pytest.fixture
def visitor(sandbox: control.Running, dev: Person) -> Browser:
    """A browser of dev's, signed in on the apps' host too."""
    browser = Browser(sandbox).be(dev.name)
    browser.get(f"{browser.apps}/-/nothing")
    return browser


def test_app_without_a_release_says_how_far_it_is(
    visitor: Browser, dev: Person, page: Path, hold: Path
) -> None:
    name = page.name
    address = f"{visitor.apps}/{name}/"
    assert dev.run(f"apps create -n {name}").code == 0
    assert dev.run(f"update -n {name} --view-access restricted").code == 0
    first = visitor.get(address)
    assert "has not been deployed yet" in first.text and first.headers["Refresh"] == "5"
    assert f">{dev.name}</a>" in first.text and f'/apps/{name}">Open the App Manager' in first.text
    (page / "Procfile").write_text(held_back(hold, "false"))
    assert dev.run(["deploy", str(page), "-y", "--no-check", "--no-wait"]).code == 0
    until(lambda: "not been deployed" not in visitor.get(address).text, "the build is queued")
    building = visitor.get(address)
    assert building.status_code == 503 and "is being built" in building.text
    assert f"/apps/{name}/builds/" in building.text and building.headers["Refresh"] == "5"
    hold.unlink()
    until(lambda: "No build of" in visitor.get(address).text, "the first build fails")


def test_page_of_the_apps_host_has_no_token_of_a_form(visitor: Browser, dev: Person) -> None:
    """Scripts of apps read the pages of their host."""
    page = visitor.get(f"{visitor.apps}/no-such-app/")
    assert page.status_code == 404 and 'name="csrf"' not in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/no/where", 404), ("/thumbnails/none", 404), ("/apps/no-such-app", 404)],
)
def test_error_page_knows_who_is_signed_in_and_leads_back(
    path: str, status: int, sandbox: control.Running, people: People
) -> None:
    known = Browser(sandbox).be(people["dev"].name).get(path)
    assert known.status_code == status and "Sign out" in known.text
    assert f'href="{sandbox.url}/apps">Back to the App Manager' in known.text
    nobody = Browser(sandbox).get("/no/where")
    assert f'href="{sandbox.url}/">Back to the Portal' in nobody.text
