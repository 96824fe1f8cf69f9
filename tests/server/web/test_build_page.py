"""A build's page and its log, as a browser without scripts reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.browser import Browser
from tests.support.gitserver import git
from tests.support.people import People, Person
from tests.support.waiting import until

WORKER = "worker: seq 2000; echo '<i>begun</i>'; echo other; sleep 9999\n"


@dataclass(frozen=True)
class Shop:
    """An app of four builds, of which the second has failed, and its owner's browser."""

    owner: Person
    browser: Browser
    name: str
    builds: list[str]
    """Their numbers, the oldest first."""
    commit: str

    def page(self, place: int, rest: str = "") -> str:
        """The text of a build's page."""
        answer = self.browser.get(f"/apps/{self.name}/builds/{self.builds[place]}{rest}")
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="module")
def shop(cast: People, sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    owner = cast["owner"]
    folder = app_folder(tmp_path_factory.mktemp("shop"), "shop", Procfile=SERVER)
    git(folder, "init", "--quiet", "-b", "main")
    for message, procfile, code in (
        ("first", SERVER, 0),
        ("ends", "web: exit 3\n", 3),
        ("third", SERVER, 0),
        ("<b>last</b>", SERVER + WORKER, 0),
    ):
        (folder / "Procfile").write_text(procfile)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
        assert owner.run(["deploy", str(folder), "-y", "--no-check", "-m", message]).code == code
    found = json.loads(owner.run(f"history -n {folder.name} --json").out)
    numbers = [str(build["number"]) for build in reversed(found)]
    commit = git(folder, "rev-parse", "HEAD").strip()
    browser = Browser(sandbox).be(owner.name)
    log = f"/apps/{folder.name}/log.txt?process=worker"
    until(lambda: "other" in browser.get(log).text, "the worker has begun")
    return Shop(owner, browser, folder.name, numbers, commit)


def test_build_says_what_it_was_made_from_and_that_it_serves(shop: Shop) -> None:
    serving, earlier = shop.page(-1), shop.page(-2)
    assert f"main@{shop.commit[:7]}" in serving and ">live<" in serving
    assert ">live<" not in earlier and ">built<" in earlier


def test_build_that_failed_says_why(shop: Shop) -> None:
    page, row = shop.page(1), shop.browser.get(f"/apps/{shop.name}/builds").text
    assert "ended with status 3" in page and "ended with status 3" in row


def test_rows_lead_to_the_builds(shop: Shop) -> None:
    page = shop.browser.get(f"/apps/{shop.name}/builds").text
    assert all(f'/apps/{shop.name}/builds/{number}"' in page for number in shop.builds)


def test_log_of_a_build_is_read_and_searched_without_a_script(shop: Shop) -> None:
    whole, found = shop.page(-1), shop.page(-1, "?q=BUILD")
    assert "Released: " in whole and "<b>last" not in whole and "&lt;b&gt;last" in whole
    assert "<mark>Build</mark>" in found and "Released: " not in found
    assert "<script>" not in shop.page(-1, "?q=%22%3E%3Cscript%3E")


def test_log_of_a_build_is_a_file(shop: Shop) -> None:
    answer = shop.browser.get(f"/apps/{shop.name}/builds/{shop.builds[1]}/log.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (
        f'filename="{shop.name}-build-{shop.builds[1]}.txt"'
        in answer.headers["Content-Disposition"]
    )
    assert "ended with status 3" in answer.text


def test_logs_of_as_many_builds_are_kept_as_releases(shop: Shop) -> None:
    logs = ["Build log" if "Build " in shop.page(n, "/log.txt") else "" for n in range(4)]
    assert logs == ["", "Build log", "Build log", "Build log"]
    assert "has been deleted" in shop.page(0)


@pytest.mark.parametrize("number", ["999999", "x", "1%00"])
def test_build_that_is_not_there_is_said(number: str, shop: Shop) -> None:
    answer = shop.browser.get(f"/apps/{shop.name}/builds/{number}")
    assert answer.status_code == 404 and "has no build" in answer.text


def test_page_of_a_long_log_has_its_end_and_a_search_goes_further(shop: Shop) -> None:
    address = f"/apps/{shop.name}/logs?process=worker"
    whole, found = shop.browser.get(address).text, shop.browser.get(f"{address}&q=777").text
    assert "Showing the last 1000 lines." in whole and "\n777\n" not in whole
    assert "\n1777\n" in whole and "<mark>777</mark>" in found and "lines match." in found


def test_log_of_a_process_is_searched_and_a_file(shop: Shop) -> None:
    address = f"/apps/{shop.name}/log"
    found = shop.browser.get(f"{address}s?process=worker&q=begun").text
    assert "&lt;i&gt;<mark>begun</mark>&lt;/i&gt;" in found and "other" not in found
    file = shop.browser.get(f"{address}.txt?process=worker")
    assert "<i>begun</i>\n" in file.text and file.headers["X-Content-Type-Options"] == "nosniff"
    assert shop.browser.get(f"{address}.txt?process=nothing").status_code == 400
