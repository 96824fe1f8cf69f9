"""Rolling back in the App Manager, which does what `rollback` does."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from de_tasks.server.builds.rollback import message_of
from tests.support.apps import SERVER, app_folder
from tests.support.browser import Browser
from tests.support.people import Person
from tests.support.published import Caller, caller
from tests.support.waiting import until


@dataclass(frozen=True)
class Site:
    """An app of two builds, `hello one` and `hello two`, and its owner."""

    owner: Person
    browser: Browser
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def history(self) -> list[dict[str, str]]:
        """The builds, the newest first."""
        found: list[dict[str, str]] = json.loads(
            self.owner.run(f"history -n {self.name} --json").out
        )
        return found

    def back_to(self, number: object) -> requests.Response:
        """Send the form of a build's page."""
        page = self.browser.get(f"/apps/{self.name}/builds")
        action = f"{self.browser.running.url}/apps/{self.name}/roll-back"
        return self.browser.submit(page, action, build=str(number))

    def says(self) -> str:
        return self.browser.get(f"{self.browser.apps}/{self.name}/").text


@pytest.fixture
def site(dev: Person, sandbox: control.Running, tmp_path: Path) -> Site:
    folder = app_folder(tmp_path, "site", Procfile=SERVER, index_html="hello one")
    for text in ("hello one", "hello two"):
        (folder / "index.html").write_text(text)
        assert dev.run(["deploy", str(folder), "-y", "--no-check", "-m", text]).code == 0
    return Site(dev, Browser(sandbox).be(dev.name), folder)


def test_build_is_put_back_as_a_new_deploy(site: Site) -> None:
    first = site.history()[-1]
    page = site.back_to(first["number"])
    said = f"Rolling {site.name} back to build {first['number']} ..."
    assert page.status_code == 200 and said in page.text
    until(lambda: site.history()[0]["status"] == "built", "the files are deployed again")
    newest = site.history()[0]
    assert page.url.endswith(f"/apps/{site.name}/builds/{newest['number']}")
    assert newest["message"] == f"Roll back to build {first['number']}: hello one"
    assert newest["who"] == site.owner.name and site.says() == "hello one"
    # On top of what was there, as a push would be: the next deploy goes on from it.
    (site.folder / "index.html").write_text("hello three")
    done = site.owner.run(["deploy", str(site.folder), "-y", "--no-check"])
    assert done.code == 0 and site.says() == "hello three", done.err


def test_push_at_the_same_time_wins(site: Site, sandbox: control.Running) -> None:
    last, first = site.history()
    heads = (folder / "refs/heads/master" for folder in sandbox.data.glob("git/*.git"))
    own = next(h for h in heads if h.exists() and h.read_text().strip() == last["sha"])
    with own.with_name("master.lock").open("x"):
        locked = site.back_to(first["number"])
    own.with_name("master.lock").unlink()
    # A push whose build is not queued yet.
    own.write_text(first["sha"])
    moved = site.back_to(first["number"])
    own.write_text(last["sha"])
    for refused in (locked, moved):
        assert refused.status_code == 400 and "Somebody has just deployed" in refused.text
    assert len(site.history()) == 2 and site.says() == "hello two"


def test_what_git_says_is_told(site: Site, sandbox: control.Running) -> None:
    last, first = site.history()
    heads = (folder / "refs/heads/master" for folder in sandbox.data.glob("git/*.git"))
    objects = next(
        head.parents[2] / "objects"
        for head in heads
        if head.exists() and head.read_text().strip() == last["sha"]
    )
    folders = (objects / f"{number:02x}" for number in range(256))
    in_the_way = [folder for folder in folders if not folder.exists()]
    for place in in_the_way:
        place.touch()
    failed = site.back_to(first["number"])
    for place in in_the_way:
        place.unlink()
    assert f"{site.name} was not rolled back: git commit-tree failed: " in failed.text
    assert "Not a directory" in failed.text
    (objects / "pack").rename(objects / "away")
    gone = site.back_to(first["number"])
    assert f"The files of build {first['number']} of {site.name} are gone." in gone.text


def test_long_lines_of_a_commit_are_not_put_back_whole() -> None:
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    long = f"{'s' * 5000}\n\nDe-Source: {'x' * 5000}\nother"
    row = database.execute("SELECT 7 AS id, ? AS message", (long,)).fetchone()
    title, _, source, origin = message_of(row).splitlines()
    database.close()
    assert title.startswith("Roll back to build 7: sss") and len(title) < 300
    assert source.startswith("De-Source: x") and len(source) == 300
    assert origin == "De-From: App Manager"


@pytest.fixture
def own(sandbox: control.Running, dev: Person) -> Caller:
    """A program of the owner."""
    return caller(sandbox, dev.name)


def test_what_cannot_be_put_back_is_said(own: Caller, dev: Person, quick: Path) -> None:
    (quick / "Procfile").write_text("web: exit 3\n")
    assert dev.run(["deploy", str(quick), "-y", "--no-check"]).code == 3
    failed = json.loads(dev.run(f"history -n {quick.name} --json").out)[0]["number"]
    for number, said in (
        (failed, f"Build {failed} of {quick.name} did not succeed. Choose another build."),
        ("999999", f"App {quick.name} has no build 999999."),
        ("x", f"App {quick.name} has no build x."),
    ):
        arguments = f'appname: "{quick.name}", id: "{number}"'
        assert own.do("rollBack", arguments)["error"] == said
