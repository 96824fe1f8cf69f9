"""The list of apps: what its fields find, and how it shows it."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest

from de_tasks.deployment.previews import prepare
from de_tasks.deployment.previews.prepare import WantedPreview
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.platform.models import Changes
from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.platforms import platform_of


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
    return re.findall(r'<div><a href="[^"]+/apps/([^"]+)"', text)


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


def test_apps_are_filtered_by_tag(sandbox: control.Running, dev: Person, names: list[str]) -> None:
    browser, (deployed, _) = Browser(sandbox).be(dev.name), names
    assert listed(browser, "?tag=finance") == [deployed]
    assert listed(browser, "?tag=fin") == [] == listed(browser, "?tag=finance&state=stopped")
    page = browser.get("/apps").text
    assert '<a href="?tag=finance">finance</a>' in page and '<option value="finance">' in page


def test_preview_stands_below_its_app(sandbox: control.Running, dev: Person) -> None:
    platform, main = platform_of(sandbox, dev.name), f"m-{secrets.token_hex(4)}"
    wanted = WantedPreview(main, "feature/<i>", dev.name, "here")
    for name in (main, other := f"{main}-a"):
        platform.create_app(name)
    platform.update(main, Changes(tags=("shop",)))
    preview = prepare.prepare(platform, wanted, lambda question: True).name
    browser, shown = Browser(sandbox).be(dev.name), "branch <code>feature/&lt;i&gt;</code>"
    assert listed(browser) == [main, preview, other]
    text = browser.get("/apps").text
    assert f"Preview of {shown}" in text and "de-preview:" not in text
    assert f"Preview of {main}, {shown}" in browser.get(f"/apps?q={preview}").text
    page = browser.get(f"/apps/{preview}").text
    assert f">{main}</a>, {shown}" in page and "?tag=shop" in page and "de-preview:" not in page
    # A mark that was copied to another app proves nothing.
    platform.update(other, Changes(tags=tags_of(platform, preview)))
    assert listed(browser) == [main, preview, other]
    assert "Preview of" not in browser.get(f"/apps?q={other}").text


def test_mark_of_a_preview_is_kept_when_its_tags_are_changed(
    sandbox: control.Running, dev: Person
) -> None:
    platform, main = platform_of(sandbox, dev.name), f"m-{secrets.token_hex(4)}"
    platform.create_app(main)
    wanted = WantedPreview(main, "feature/x", dev.name, "here")
    preview = prepare.prepare(platform, wanted, lambda question: True).name
    browser, before = Browser(sandbox).be(dev.name), tags_of(platform, preview)
    page = browser.get(f"/apps/{preview}/settings")
    assert 'name="tags" value=""' in page.text
    action = f"{sandbox.url}/apps/{preview}/about"
    browser.submit(page, action, title="A", description="", tags="one, two", rank="0")
    assert set(tags_of(platform, preview)) == {"one", "two", *before} and len(before) == 1
    assert 'name="tags" value="one, two"' in browser.get(f"/apps/{preview}/settings").text


def tags_of(platform: GraphQLPlatform, app: str) -> tuple[str, ...]:
    """All tags of an app."""
    found = platform.details(app)
    return found.tags if found else ()
