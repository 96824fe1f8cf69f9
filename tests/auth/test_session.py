"""An access token that ends in the middle of the work is renewed, once, for all who use it."""

from __future__ import annotations

import concurrent.futures
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from de_tasks.auth.caller import Account
from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.auth.session import Session
from de_tasks.auth.store import Store
from de_tasks.config.host import Host
from de_tasks.errors import NotLoggedIn
from de_tasks.net.budget import Budget
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.operations import follow
from tests.support.people import Person
from tests.support.stage import Stage, staged
from tests.support.waiting import BOUND


@pytest.fixture(scope="module")
def stage(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(sandbox, tmp_path_factory.mktemp("tokens")) as made:
        yield made


def renewals(sandbox: control.Running, user: str) -> int:
    """How many refresh tokens of a user were used."""
    query = (
        "SELECT count(*) FROM refresh_tokens JOIN grants ON grants.id = grant_id"
        " WHERE used > 0 AND username = ?"
    )
    with closing(sqlite3.connect(sandbox.data / "sandbox.sqlite3", timeout=BOUND)) as database:
        return int(database.execute(query, (user,)).fetchone()[0])


@pytest.mark.parametrize("line", ["deploy -y --no-wait", "apps status"])
def test_command_goes_on_with_a_new_token(line: str, stage: Stage) -> None:
    message = stage.edit()
    before = renewals(stage.running, stage.person.name)
    stage.expire()
    words = [*line.split(), "-n", stage.app, *(["-m", message] if "deploy" in line else [])]
    done = stage.person.run(words, folder=stage.folder)
    assert done.code == 0, done.err
    assert renewals(stage.running, stage.person.name) == before + 1


def test_push_renews_what_ends_before_it(stage: Stage) -> None:
    message = stage.edit()
    before = renewals(stage.running, stage.person.name)
    # The push is the first thing of a redeploy: it is git that meets the 401.
    stage.expire()
    done = stage.person.run(
        ["deploy", "-n", stage.app, "--no-wait", "-m", message], folder=stage.folder
    )
    assert done.code == 0 and stage.pushed(message) == 1
    assert renewals(stage.running, stage.person.name) == before + 1


def test_log_goes_on_with_a_new_token(stage: Stage) -> None:
    before = renewals(stage.running, stage.person.name)
    stage.expire()
    done = follow(stage, "after-the-end")
    assert (done.code, done.out.count("after-the-end")) == (130, 1), done.err
    assert renewals(stage.running, stage.person.name) == before + 1


def test_who_waits_for_points_renews_what_has_ended(stage: Stage) -> None:
    before = renewals(stage.running, stage.person.name)
    stage.expire()
    # A file that says wait is not believed, once the server has been asked: with a good token.
    cache = stage.person.home / "cache" / "de-tasks"
    Budget(cache, Host.parse(stage.person.host).name, stage.person.name).refused(60)
    done = stage.person.run("whoami")
    assert done.code == 0, done.err
    assert renewals(stage.running, stage.person.name) == before + 1


def test_commands_at_once_renew_once(dev: Person, sandbox: control.Running) -> None:
    store = Store.at(dev.keyfile)
    Stage.expire_in(store, dev.host)
    before = renewals(sandbox, dev.name)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        codes = list(pool.map(lambda _: dev.spawn("whoami").code, range(3)))
    assert codes == [0] * 3
    assert renewals(sandbox, dev.name) == before + 1
    # What the three have left behind is good.
    login = store.get(dev.host)
    assert login and Oidc(Host.parse(sandbox.url), Transport()).refresh(login)


def test_login_that_was_ended_meanwhile_is_not_renewed(tmp_path: Path) -> None:
    login = Login("a.example", "dev", "access", "refresh", 0.0)
    store = Store.at(tmp_path / "login.json")
    session = Session(Oidc(Host.parse("a.example"), Transport()), login, store)
    with pytest.raises(NotLoggedIn, match=r"^You have been logged out of a\.example\. Log in"):
        session.renew()


def test_threads_without_a_store_renew_once(
    sandbox: control.Running, dev: Person, tmp_path: Path
) -> None:
    oidc = Oidc(Host.parse(sandbox.url), Transport())
    session = Session(oidc, backstage(sandbox).login(dev.name))
    account = Account(session, Policy(), Budget(tmp_path, sandbox.url, dev.name))
    old, before = session.header(), renewals(sandbox, dev.name)

    def act(*_: object) -> str:
        if account.header() == old:
            raise NotLoggedIn("The token has ended.")
        return account.header()

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        headers = set(pool.map(lambda _: account.act(act), range(5)))
    assert len(headers) == 1 and renewals(sandbox, dev.name) == before + 1
