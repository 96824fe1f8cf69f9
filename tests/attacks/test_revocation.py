"""Rights that were taken away: what was opened with them ends, and nobody inherits it."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from de_tasks.server import control
from tests.support import streaming
from tests.support.apps import held_back
from tests.support.attacker import OPENID, ask, basic, post
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser
from tests.support.git_objects import FILE, Repository
from tests.support.people import Person, log_in
from tests.support.waiting import BOUND, until


@dataclass(frozen=True)
class Visited:
    """A restricted app that streams, and somebody who is about to lose it."""

    running: control.Running
    owner: Person
    app: str
    user: str
    browser: Browser

    def do(self, who: str, line: str, field: str = "error") -> None:
        """Have a user change something by the API."""
        header = f"Bearer {backstage(self.running).tokens(who).access_token}"
        line = line.format(app=self.app, user=self.user)
        answer = ask(self.running, f"mutation {{ done: {line} {{ {field} }} }}", header).json()
        assert not answer["data"]["done"][field], answer

    def spent(self) -> int:
        """The points that the user has spent, as soon as a request is taken."""
        return int(control.administer(self.running, "points", {})[self.user]["spent"])

    def by_owner(self, line: str) -> None:
        self.do(self.owner.name, line)


@pytest.fixture(scope="module")
def shown(
    fortress: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Person, str]:
    """An app that streams, and its owner."""
    folder = tmp_path_factory.mktemp("streams")
    owner = log_in(fortress, backstage(fortress).add("owner"), folder / "home")
    return owner, streaming.deploy(owner, folder)


@pytest.fixture
def visited(fortress: control.Running, shown: tuple[Person, str]) -> Visited:
    """The app in the browser of one of its viewers."""
    user = backstage(fortress).add("user")
    made = Visited(fortress, *shown, user, Browser(fortress).be(user))
    made.by_owner('addCollaborators(appname: "{app}", users: ["{user}"])')
    assert made.browser.get(f"{made.browser.apps}/{made.app}/").status_code == 200
    return made


def no_viewer(visited: Visited) -> None:
    visited.by_owner('removeCollaborators(appname: "{app}", users: ["{user}"])')


def new_password(visited: Visited) -> None:
    words = f'currentPassword: "{PASSWORD}", newPassword: "another one"'
    visited.do(visited.user, f"changePassword({words})", "currentPasswordError")


def deleted(visited: Visited) -> None:
    admin = backstage(visited.running).add("admin")
    visited.do(admin, 'deleteUser(username: "{user}")')


def signed_out(visited: Visited) -> None:
    visited.browser.submit(visited.browser.get(f"{OPENID}/logout"))


def signed_out_elsewhere(visited: Visited) -> None:
    other = Browser(visited.running).be(visited.user)
    address = f"{visited.running.url}/account/end-others"
    assert other.submit(other.get("/account"), address).status_code == 200


LOSSES = (no_viewer, new_password, deleted, signed_out, signed_out_elsewhere)


@pytest.mark.parametrize("loses", LOSSES)
def test_what_is_open_ends(loses: Callable[[Visited], None], visited: Visited) -> None:
    stream = streaming.events(visited.browser, visited.app)
    with streaming.socket(visited.browser, visited.app) as socket:
        socket.send("hello")
        assert socket.recv(BOUND) == "hello"
        loses(visited)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(BOUND)
        assert closed.value.rcvd and closed.value.rcvd.code == 1008
    with pytest.raises(requests.RequestException):
        # It ticks ten times a second.
        list(itertools.islice(stream, int(10 * BOUND)))


def test_what_others_have_open_goes_on(visited: Visited) -> None:
    other = Browser(visited.running).be(visited.owner.name)
    assert other.get(f"{other.apps}/{visited.app}/").status_code == 200
    with (
        streaming.socket(other, visited.app) as kept,
        streaming.socket(visited.browser, visited.app) as lost,
    ):
        no_viewer(visited)
        with pytest.raises(ConnectionClosed):
            lost.recv(BOUND)
        kept.send("hello")
        assert kept.recv(BOUND) == "hello"


def test_app_that_is_restricted_ends_what_everybody_has_open(visited: Visited) -> None:
    level = 'updateApp(appname: "{app}", metadata: {{permissionLevel: %s}})'
    visited.by_owner(level % "unauthenticated")
    with streaming.socket(Browser(visited.running), visited.app) as socket:
        visited.by_owner(level % "restricted")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(BOUND)
    assert closed.value.rcvd and closed.value.rcvd.code == 1008


def status_with_key(running: control.Running, user: str, key: str) -> int:
    """What the API answers a program with a key."""
    return ask(running, "{ current { username } }", basic(user, key)).status_code


def test_key_of_a_deleted_user_is_nothing_to_the_next_of_that_name(visited: Visited) -> None:
    running, user = visited.running, visited.user
    key = backstage(running).key(user)
    assert status_with_key(running, user, key) == 200
    deleted(visited)
    control.administer(running, "users", {"username": user, "role": "admin"})
    assert status_with_key(running, user, key) == 401
    assert status_with_key(running, user, backstage(running).key(user)) == 200


def test_new_password_replaces_the_key(visited: Visited) -> None:
    running, user = visited.running, visited.user
    key = backstage(running).key(user)
    new_password(visited)
    assert status_with_key(running, user, key) == 401
    assert status_with_key(running, user, backstage(running).key(user)) == 200


@pytest.mark.parametrize("loses", [new_password, deleted])
def test_login_ends(loses: Callable[[Visited], None], visited: Visited) -> None:
    tokens = backstage(visited.running).tokens(visited.user)
    loses(visited)
    answer = ask(visited.running, "{ current { username } }", f"Bearer {tokens.access_token}")
    assert answer.status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    assert post(visited.running, "token", **refresh).json()["error"] == "invalid_grant"


def set_role(running: control.Running, user: str, role: str) -> None:
    file = backstage(running).file
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
        database.execute("UPDATE users SET role = ? WHERE username = ?", (role, user))


def demoted(visited: Visited) -> None:
    set_role(visited.running, visited.user, "licensed_user")


def seat_lost(visited: Visited) -> None:
    set_role(visited.running, visited.user, "viewer")


LOG = """query ($app: String!, $after: String, $wait: Int) {
runtimeLogs(appname: $app, processName: "web", after: $after, wait: $wait) {
next lines { text } } }"""


def by_page(visited: Visited) -> Callable[[str], requests.Response]:
    """Asks for more of the app's log as the page's script does."""
    address = f"/apps/{visited.app}/live?process=web"
    return lambda after: visited.browser.get(f"{address}&after={after}" if after else address)


def by_login(visited: Visited) -> Callable[[str], requests.Response]:
    """... as a command does."""
    header = f"Bearer {backstage(visited.running).tokens(visited.user).access_token}"
    given = {"app": visited.app, "wait": 20}
    return lambda after: ask(visited.running, LOG, header, **given, after=after or "0")


HELD = [(by_page, loss) for loss in (demoted, seat_lost, deleted, signed_out_elsewhere)]
HELD += [(by_login, loss) for loss in (demoted, deleted, new_password)]


@pytest.mark.parametrize(("door", "loses"), HELD)
def test_request_that_is_held_open_answers_no_more(
    door: Callable[[Visited], Callable[[str], requests.Response]],
    loses: Callable[[Visited], None],
    visited: Visited,
) -> None:
    """It asks as an admin, who may read the log of every app."""
    set_role(visited.running, visited.user, "admin")
    read, owner = door(visited), Browser(visited.running).be(visited.owner.name)
    first = read("").json()
    known = first["next"] if "next" in first else first["data"]["runtimeLogs"]["next"]
    before = visited.spent()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(read, known)
        until(lambda: visited.spent() > before, "the request is held")
        loses(visited)
        owner.get(f"{owner.apps}/{visited.app}/")
        answer = asked.result(BOUND)
    assert "asked for" not in answer.text
    assert answer.status_code in (401, 403, 404) or not answer.json()["data"]["runtimeLogs"]


def test_request_that_is_held_open_while_its_password_is_tried_out(visited: Visited) -> None:
    set_role(visited.running, visited.user, "admin")
    given = {"app": visited.app, "wait": 20}
    right, wrong = (basic(visited.user, password) for password in (PASSWORD, "wrong"))
    first = ask(visited.running, LOG, right, **given, after="0").json()
    known, before = first["data"]["runtimeLogs"]["next"], visited.spent()
    owner = Browser(visited.running).be(visited.owner.name)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, visited.running, LOG, right, **given, after=known)
        until(lambda: visited.spent() > before, "the request is held")
        refused = (ask(visited.running, LOG, wrong, **given).status_code for _ in range(10))
        assert 429 in refused
        owner.get(f"{owner.apps}/{visited.app}/")
        answer = asked.result(BOUND)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0, answer.text
    assert "asked for" not in answer.text


def test_push_that_is_followed_tells_no_more(
    fortress: control.Running, tmp_path: Path, hold: Path
) -> None:
    books, repository = backstage(fortress), Repository(tmp_path, fortress)
    owner, user = repository.bearer, books.add("admin")
    repository.bearer = f"Bearer {books.tokens(user).access_token}"
    procfile = repository.blob(held_back(hold).encode())
    log = f'{{ build(appname: "{repository.app}") {{ log {{ lines {{ text }} }} }} }}'
    with ThreadPoolExecutor(1) as pool:
        pushed = pool.submit(repository.push, repository.tree((FILE, b"Procfile", procfile)))
        until(lambda: str(hold) in ask(fortress, log, owner).text, "the build starts the app")
        set_role(fortress, user, "licensed_user")
        hold.unlink()
        said = pushed.result(BOUND)
    assert "-----> Build" in said and "Released" not in said


def test_role_counts_from_the_next_request(visited: Visited) -> None:
    """It stands in tokens, and is not believed from there."""
    books = backstage(visited.running)
    header, key = f"Bearer {books.tokens(visited.user).access_token}", books.key(visited.user)
    seat_lost(visited)
    for authorization in (header, basic(visited.user, key)):
        answer = ask(visited.running, "{ apps { nextPage } }", authorization).json()
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
