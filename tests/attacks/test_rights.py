"""Attacks on other people's apps: through the API, git, pages and the apps' own addresses."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import pytest

from de_tasks.server import control
from de_tasks.server.web.changes import CHANGES
from de_tasks.server.web.users_page import ACTIONS
from tests.support.addresses import client
from tests.support.attacker import OPENID, ask
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.waiting import BOUND

CHANGING = {
    "settings": 'updateApp(appname: "{app}", metadata: {{permissionLevel: unauthenticated}})',
    "viewers": 'addCollaborators(appname: "{app}", users: ["{me}"])',
    "no viewers": 'removeCollaborators(appname: "{app}", users: ["{me}"])',
    "co-owners": 'addCoOwners(appname: "{app}", users: ["{me}"])',
    "no co-owners": 'removeCoOwners(appname: "{app}", users: ["{me}"])',
    "variable": 'addEnvironmentVariable(appname: "{app}", name: "A", value: "evil")',
    "no variable": 'removeEnvironmentVariable(appname: "{app}", name: "A")',
    "files": 'setPersistentFilesystem(appname: "{app}", enabled: false)',
    "mount": 'mountDirectory(appname: "{app}", hostDir: "/", targetDir: "x")',
    "processes": 'scaleProcesses(appname: "{app}", processes: [{{type: "web", number: 0}}])',
    "restart": 'restartApp(appname: "{app}")',
    "python": 'setPython(appname: "{app}", version: "3.11")',
    "cancelled": 'cancelBuild(appname: "{app}")',
    "put back": 'rollBack(appname: "{app}", id: "1")',
    "cache": 'purgeCache(appname: "{app}")',
    "service": 'linkService(appname: "{app}", serviceName: "x", serviceType: REDIS)',
    "memory": 'updateService(name: "{app}-redis", serviceType: redis, memory: "16Mi")',
    "owner": 'transferApp(appname: "{app}", username: "{me}")',
    "end": 'deleteApp(name: "{app}")',
}
READING = {
    "app": 'app(name: "{app}") {{ name }}',
    "builds": 'builds(appname: "{app}") {{ builds {{ id }} }}',
    "build": 'build(appname: "{app}") {{ id }}',
    "logs": 'runtimeLogs(appname: "{app}") {{ next }}',
}
PNG = b"\x89PNG\r\n\x1a\n"
WHO = ["stranger", "viewer", "seatless", "member without a seat"]


@dataclass
class Case:
    """Somebody's restricted app, and users who want more of it than they may."""

    running: control.Running
    app: str = field(default_factory=lambda: f"prey-{secrets.token_hex(4)}")
    users: dict[str, str] = field(default_factory=dict)

    def take_seat(self, who: str) -> None:
        """Make a viewer of a user, whatever the user is to the app."""
        file = self.running.data / "sandbox.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
            line = "UPDATE users SET role = 'viewer' WHERE username = ?"
            database.execute(line, (self.users[who],))

    def header(self, who: str) -> str:
        return f"Bearer {backstage(self.running).tokens(self.users[who]).access_token}"

    def ask(self, who: str, document: str) -> dict[str, Any]:
        query = document.format(app=self.app, me=self.users[who])
        found: dict[str, Any] = ask(self.running, query, self.header(who)).json()
        return found

    def change(self, who: str, kind: str) -> bool:
        """Whether a change is made."""
        found = self.ask(who, f"mutation {{{{ done: {CHANGING[kind]} {{{{ error }}}} }}}}")
        assert "errors" not in found or found["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        return "errors" not in found and found["data"]["done"]["error"] is None

    def state(self) -> list[tuple[object, ...]]:
        """All that the sandbox keeps about the app."""
        file = self.running.data / "sandbox.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=30)) as database:
            apps = database.execute("SELECT * FROM apps WHERE name = ?", (self.app,)).fetchall()
            rows: list[tuple[object, ...]] = [*apps]
            for table in ("access", "variables", "scale"):
                line = f"SELECT * FROM {table} WHERE app_id = ?"
                rows += database.execute(line, (apps[0][0],)).fetchall()
        return rows


@pytest.fixture(scope="module")
def case(fortress: control.Running) -> Case:
    made, books = Case(fortress), backstage(fortress)
    group = f"group-{secrets.token_hex(4)}"
    people = ("owner", "co-owner", "stranger", "viewer", "seatless")
    made.users = {who: books.add("user") for who in people}
    made.users["member"] = books.add("user", groups=[group])
    assert made.ask("owner", 'mutation {{ addApp(name: "{app}") {{ error }} }}')["data"]
    for line in (
        f'addCollaborators(appname: "{{app}}", users: ["{made.users["viewer"]}"])',
        f'addCoOwners(appname: "{{app}}", users: ["{made.users["co-owner"]}"], teams: ["{group}"])',
        f'addCoOwners(appname: "{{app}}", users: ["{made.users["seatless"]}"])',
        'addEnvironmentVariable(appname: "{app}", name: "A", value: "1")',
        'updateApp(appname: "{app}", metadata: {{showInPortal: true, tags: "hush"}})',
        'updateApp(appname: "{app}", metadata: {{title: "Hidden"}})',
    ):
        answer = made.ask("owner", f"mutation {{{{ done: {line} {{{{ error }}}} }}}}")
        assert answer["data"]["done"]["error"] is None, answer
    browser = Browser(fortress).be(made.users["owner"])
    form, address = browser.get(f"{OPENID}/logout"), f"{fortress.url}/apps/{made.app}/thumbnail"
    assert browser.submit(form, address, thumbnail=PNG).status_code == 200
    made.take_seat("seatless")
    made.users["member without a seat"] = books.add("viewer", groups=[group])
    made.users["outsider"] = books.add("viewer")
    return made


@pytest.mark.parametrize("kind", CHANGING)
@pytest.mark.parametrize("who", WHO)
def test_app_is_changed_by_nobody_else(who: str, kind: str, case: Case) -> None:
    before = case.state()
    assert not case.change(who, kind)
    assert case.state() == before


@pytest.mark.parametrize("kind", READING)
@pytest.mark.parametrize("who", WHO)
def test_app_is_read_by_nobody_else(who: str, kind: str, case: Case) -> None:
    found = case.ask(who, f"{{{{ seen: {READING[kind]} }}}}")
    assert "errors" in found or found["data"]["seen"] is None


@pytest.mark.parametrize("kind", READING)
@pytest.mark.parametrize("who", ["owner", "co-owner", "member"])
def test_app_is_read_by_who_manages_it(who: str, kind: str, case: Case) -> None:
    """Or the tests above would prove nothing."""
    assert "errors" not in case.ask(who, f"{{{{ seen: {READING[kind]} }}}}")


@pytest.mark.parametrize("service", ["upload-pack", "receive-pack"])
@pytest.mark.parametrize("who", [*WHO, "owner", "co-owner", "member"])
def test_git_is_for_who_manages_the_app(who: str, service: str, case: Case) -> None:
    url = f"{case.running.url}/GIT/{case.app}/info/refs?service=git-{service}"
    answer = client().get(url, headers={"Authorization": case.header(who)}, timeout=BOUND)
    assert answer.status_code == (403 if who in WHO else 200)


@pytest.mark.parametrize("who", WHO)
def test_pages_of_the_manager_are_closed(who: str, case: Case) -> None:
    browser = Browser(case.running).be(case.users[who])
    page = browser.get(f"/apps/{case.app}")
    assert page.status_code in (403, 404) and "co-owner" not in page.text
    for below in ("live", "log.txt", "builds/1", "builds/1/log.txt"):
        assert browser.get(f"/apps/{case.app}/{below}").status_code in (400, 403, 404)


@pytest.mark.parametrize("action", [*CHANGES, "delete"])
def test_forms_of_the_manager_change_nothing(action: str, case: Case) -> None:
    browser = Browser(case.running).be(case.users["stranger"])
    before, form = case.state(), browser.get(f"{OPENID}/logout")
    fields = {"level": "unauthenticated", "person": case.users["stranger"], "key": "A"}
    fields |= {"typed": case.app, "build": "1", "rank": "7", "title": "evil"}
    fields |= {"text": "A=evil", "process": "web", "number": "0"}
    file = {"thumbnail": PNG} if action == "thumbnail" else {}
    address = f"{case.running.url}/apps/{case.app}/{action}"
    done = browser.submit(form, address, value="evil", **fields, **file)
    assert done.status_code in (400, 403, 404) and case.state() == before


@pytest.mark.parametrize("who", ["seatless", "member without a seat", "outsider"])
def test_page_for_new_apps_is_for_who_has_a_seat(who: str, case: Case) -> None:
    browser, name = Browser(case.running).be(case.users[who]), f"mine-{secrets.token_hex(4)}"
    form, page = browser.get(f"{OPENID}/logout"), f"{case.running.url}/apps/-/new"
    assert browser.get(page).status_code == 403
    assert browser.submit(form, page, name=name).status_code == 403
    file = case.running.data / "sandbox.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database:
        line = "SELECT * FROM apps WHERE name = ?"
        assert database.execute(line, (name,)).fetchall() == []


@pytest.mark.parametrize("who", ["co-owner", "member"])
def test_co_owner_does_not_delete_the_app(who: str, case: Case) -> None:
    assert not case.change(who, "end") and case.state()
    browser = Browser(case.running).be(case.users[who])
    form = browser.get(f"/apps/{case.app}/delete")
    assert browser.submit(form, typed=case.app).status_code == 400 and case.state()


def test_co_owner_has_a_seat(case: Case) -> None:
    line = 'mutation {{ addCoOwners(appname: "{app}", users: ["%s"]) {{ error }} }}'
    before = case.state()
    found = case.ask("owner", line % case.users["outsider"])
    assert "license seat" in found["data"]["addCoOwners"]["error"] and case.state() == before


@pytest.mark.parametrize("who", [*WHO, "outsider", "owner", "co-owner", "member"])
def test_restricted_app_is_opened_by_who_may_view_it(who: str, case: Case) -> None:
    browser = Browser(case.running).be(case.users[who])
    status = browser.get(f"{browser.apps}/{case.app}/").status_code
    # It was never deployed: 503 says so to who may see it.
    assert status == (403 if who in ("stranger", "outsider") else 503)


@pytest.mark.parametrize("query", ["", "?q=hidden", "?q={app}", "?tag=hush"])
@pytest.mark.parametrize("who", ["nobody", "stranger", "outsider"])
def test_portal_tells_nothing_of_a_restricted_app(who: str, query: str, case: Case) -> None:
    browser = Browser(case.running)
    browser = browser if who == "nobody" else browser.be(case.users[who])
    page = browser.get("/" + query.format(app=case.app))
    assert page.status_code == 200
    assert not any(word in page.text for word in ("Hidden", ">hush<", f"/{case.app}"))
    assert browser.get(f"/thumbnails/{case.app}").status_code == 404


@pytest.mark.parametrize("query", ["", "?q=hidden", "?q={app}", "?tag=hush"])
def test_portal_shows_a_restricted_app_to_its_viewer(query: str, case: Case) -> None:
    """Or the tests above would prove nothing."""
    browser = Browser(case.running).be(case.users["viewer"])
    page = browser.get("/" + query.format(app=case.app))
    assert "Hidden" in page.text and ">hush<" in page.text and f"/{case.app}/" in page.text
    assert browser.get(f"/thumbnails/{case.app}").status_code == 200


ADMINS = [
    ("GET", "users", {}),
    ("POST", "users", {"username": "mallory", "role": "admin"}),
    ("POST", "api-key", {"username": "admin"}),
    ("GET", "points", {}),
]


@pytest.mark.parametrize("method, path, body", ADMINS)
@pytest.mark.parametrize("who", ["stranger", "seatless"])
def test_administration_is_for_admins(
    who: str, method: str, path: str, body: dict[str, str], case: Case
) -> None:
    header = {"Authorization": case.header(who)}
    url = f"{case.running.url}/sandbox/{path}"
    answer = client().request(method, url, json=body, headers=header, timeout=BOUND)
    assert answer.status_code == 403 and answer.json() == {"error": "Only admins can do this."}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("who", ["stranger", "seatless", "co-owner"])
def test_page_of_the_users_is_for_admins(who: str, action: str, case: Case) -> None:
    browser, me = Browser(case.running).be(case.users[who]), case.users[who]
    assert browser.get("/account/users").status_code == 403
    form, address = browser.get(f"{OPENID}/logout"), f"{case.running.url}/account/users/{action}"
    for name in (me, case.users["owner"]):
        done = browser.submit(form, address, username=name, role="admin", groups="group")
        assert done.status_code == 403 and 'class="code"' not in done.text
    file = case.running.data / "sandbox.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database:
        line = "SELECT role FROM users WHERE username = ?"
        assert database.execute(line, (me,)).fetchone()[0] != "admin"


FOR_ADMINS = [
    'deleteUser(username: "{owner}")',
    'moveAppsAndServices(sourceUsername: "{owner}", targetUsername: "{me}")',
]


@pytest.mark.parametrize("line", FOR_ADMINS)
@pytest.mark.parametrize("who", ["stranger", "seatless", "co-owner"])
def test_users_are_managed_by_admins(who: str, line: str, case: Case) -> None:
    before = case.state()
    named = line.replace("{owner}", case.users["owner"])
    found = case.ask(who, f"mutation {{{{ done: {named} {{{{ error }}}} }}}}")
    assert "errors" in found or found["data"]["done"]["error"]
    assert case.state() == before
