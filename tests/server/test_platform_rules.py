"""What the platform refuses, through its API and on its pages, and the sentence it says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import PASSWORD
from tests.support.browser import Browser
from tests.support.people import People, Person
from tests.support.published import Caller, caller


@pytest.fixture
def admin(sandbox: control.Running, people: People) -> Caller:
    """A program of an admin."""
    return caller(sandbox, people["admin"].name)


@pytest.fixture
def own(sandbox: control.Running, dev: Person) -> Caller:
    """A program of a user with a seat."""
    return caller(sandbox, dev.name)


@pytest.fixture
def created(dev: Person, quick: Path) -> str:
    """The name of an app that has not been deployed."""
    assert dev.inv("create", folder=quick).code == 0
    return quick.name


def test_nobody_deletes_oneself(admin: Caller) -> None:
    refused = admin.do("deleteUser", f'username: "{admin.username}"')
    assert refused["error"] == "You cannot delete yourself."


def test_apps_are_not_given_to_somebody_without_a_seat(
    admin: Caller, dev: Person, people: People
) -> None:
    to = people["viewer"].name
    move = f'sourceUsername: "{dev.name}", targetUsername: "{to}"'
    error = admin.do("moveAppsAndServices", move)["error"]
    assert error == f"{to} has no license seat, and owning apps needs one."


@pytest.mark.parametrize(("length", "taken"), [(7, False), (8, True)])
def test_password_has_at_least_8_characters(length: int, taken: bool, own: Caller) -> None:
    words = f'currentPassword: "{PASSWORD}", newPassword: "{"x" * length}"'
    answer = own.do("changePassword", words, "ok newPasswordError")
    error = None if taken else "A password has at least 8 characters."
    assert answer == {"ok": taken, "newPasswordError": error}


def test_metadata_of_the_portal_is_json(admin: Caller) -> None:
    error = admin.do("updatePortal", 'portalname: "DEFAULT", metadata: "{"')["error"]
    assert error.startswith("metadata is not JSON: ")


def test_app_that_does_not_run_is_not_restarted(own: Caller, created: str) -> None:
    error = own.do("restartApp", f'appname: "{created}"')["error"]
    assert error == f"App {created} has no running processes: deploy it first."


def test_variable_is_of_an_app_or_of_all(own: Caller) -> None:
    nowhere = own.do("addEnvironmentVariable", 'name: "A", value: "1"')["error"]
    assert nowhere == "Name the app with appname, or set globalVar."
    everywhere = own.do("addEnvironmentVariable", 'name: "A", value: "1", globalVar: true')
    assert everywhere["error"] == "Changing global environment variables is for admins."


@pytest.mark.parametrize(("number", "pages"), [(20, [20]), (21, [20, 1])])
def test_builds_come_in_pages_of_20(
    number: int, pages: list[int], own: Caller, created: str, sandbox: control.Running
) -> None:
    with closing(sqlite3.connect(sandbox.data / "sandbox.sqlite3", timeout=30)) as db, db:
        (app,) = db.execute("SELECT id FROM apps WHERE name = ?", (created,)).fetchone()
        columns = "app_id, sha, message, author, committed, pushed_by, status, queued_at"
        row = (app, "0" * 40, "m", "dev", "", "dev", "failed", "2026-01-01T00:00:00.000000")
        line = f"INSERT INTO builds ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        db.executemany(line, [row] * number)
    query = "query ($n: String!, $p: Int) { builds(appname: $n, page: $p) {"
    query += " builds { id } nextPage } }"
    seen, page = [], 1
    while page:
        found = own.ask(query, n=created, p=page)["builds"]
        seen.append(len(found["builds"]))
        page = found["nextPage"]
    assert seen == pages


def test_documentation_is_for_those_with_a_seat(
    sandbox: control.Running, dev: Person, people: People
) -> None:
    viewer = people["viewer"].name
    assert Browser(sandbox).be(dev.name).get("/docs").status_code == 200
    refused = Browser(sandbox).be(viewer).get("/docs")
    assert refused.status_code == 403 and f"{viewer} has no license seat" in refused.text


def test_portal_does_not_show_the_mark_of_a_preview(
    sandbox: control.Running, dev: Person, created: str
) -> None:
    tags = "--tag de-preview:of:us --tag energy --visible-on-portal"
    assert dev.run(f"update -n {created} {tags}").code == 0
    seen = Browser(sandbox).be(dev.name).get(f"/?q={created}").text
    assert f"/{created}/" in seen and "energy" in seen and "de-preview" not in seen


def test_portal_finds_what_has_every_word(
    sandbox: control.Running, dev: Person, created: str
) -> None:
    assert dev.run(f"update -n {created} --visible-on-portal --title Sales").code == 0
    browser = Browser(sandbox).be(dev.name)
    assert f"/{created}/" in browser.get(f"/?q=SALES+{created}").text
    assert f"/{created}/" not in browser.get(f"/?q=costs+{created}").text


def test_app_manager_shows_no_app_of_others(
    sandbox: control.Running, people: People, created: str
) -> None:
    stranger = Browser(sandbox).be(people["stranger"].name)
    page = stranger.get(f"/apps/{created}")
    assert page.status_code == 404 and f"no app {created} that you manage" in page.text
    assert created not in stranger.get("/apps?page=x").text


def test_app_manager_does_nothing_that_it_does_not_know(
    sandbox: control.Running, dev: Person, created: str
) -> None:
    browser = Browser(sandbox).be(dev.name)
    page = browser.get(f"/apps/{created}")
    assert browser.submit(page, f"{sandbox.url}/apps/{created}/rename").status_code == 404
    signed_out = Browser(sandbox).submit(page, f"{sandbox.url}/apps/{created}/restart")
    assert signed_out.status_code == 401


def test_app_without_a_web_process_says_so(
    sandbox: control.Running, dev: Person, own: Caller, quick: Path
) -> None:
    done = dev.inv("deploy", "-y", folder=quick)
    assert done.code == 0, done.err
    scale = 'processes: [{type: "web", number: 0}]'
    assert own.do("scaleProcesses", f'appname: "{quick.name}", {scale}')["error"] is None
    own.do("restartApp", f'appname: "{quick.name}"')
    answer = Browser(sandbox).get(f"http://localhost:{sandbox.port}/{quick.name}/")
    assert answer.status_code == 503 and "is scaled to zero" in answer.text
