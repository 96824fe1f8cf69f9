"""The list of apps: what its fields find, and how it shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person


@pytest.fixture
def names(dev: Person, quick: Path) -> list[str]:
    """Two apps of dev's: the first is deployed and has a title, the second never was."""
    assert dev.run(["deploy", str(quick), "-y", "--no-check"]).code == 0
    assert dev.run(f"update -n {quick.name} --title Turnover --tag finance").code == 0
    other = f"b-{quick.name}"
    assert dev.run(f"apps create -n {other}").code == 0
    return [quick.name, other]


def listed(browser: Browser, query: str = "") -> list[str]:
    """The apps in the rows of the list."""
    text = browser.get(f"/apps{query}").text
    return re.findall(r'<th scope="row"><a href="[^"]+/apps/([^"]+)"', text)


def test_apps_are_found_by_words_state_and_owner(
    sandbox: control.Running, dev: Person, names: list[str]
) -> None:
    browser, (deployed, never) = Browser(sandbox).be(dev.name), names
    assert sorted(listed(browser)) == sorted(names)
    for query, found in (
        ("?q=TURN+finance", [deployed]),
        (f"?q={never}", [never]),
        ("?q=turnover+nothing", []),
        ("?state=running", [deployed]),
        ("?state=never+deployed", [never]),
        (f"?owner={dev.name}&state=running", [deployed]),
        ("?owner=nobody", []),
        ("?state=anything", names),
    ):
        assert sorted(listed(browser, query)) == sorted(found), query


def test_list_shows_state_time_and_address(
    sandbox: control.Running, dev: Person, names: list[str]
) -> None:
    text = Browser(sandbox).be(dev.name).get("/apps").text
    assert '<span class="badge running">running</span>' in text and ">just now</time>" in text
    assert f">http://localhost:{sandbox.port}/{names[0]}/</a>" in text


def test_search_finds_no_app_of_others(
    sandbox: control.Running, people: People, names: list[str]
) -> None:
    stranger = Browser(sandbox).be(people["stranger"].name)
    assert listed(stranger, f"?q={names[0]}") == []
    page = stranger.get("/apps?q=%22%3E%3Cscript%3E&owner=%22%3E%3Cscript%3E").text
    assert "<script>" not in page and "No app matches" in page
