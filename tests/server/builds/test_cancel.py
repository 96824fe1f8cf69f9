"""A build that is cancelled ends, for good, and nothing else does."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest

from de_tasks.server.builds.queue import Builds
from de_tasks.server.database import Database
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.app import App
from de_tasks.server.settings import ServerSettings
from tests.support.apps import SERVER, held_back
from tests.support.people import LONGEST, Done, People, Person
from tests.support.processes import processes_of
from tests.support.waiting import until


def log(dev: Person, page: Path) -> str:
    """The log of the last build."""
    return dev.inv("logs", "--type", "build", "--name", page.name).out


def states(dev: Person, page: Path) -> list[str]:
    """How the app's builds stand, the newest first."""
    found = json.loads(dev.inv("history", "--name", page.name, "--json").out)
    return [build["status"] for build in found]


def push(dev: Person, page: Path) -> Done:
    done = dev.inv("deploy", "-y", "--no-check", "--no-wait", "-m", "again", folder=page)
    assert done.code == 0, done.err
    return done


def test_running_build_ends_and_the_deploy_that_waits_says_by_whom(
    people: People, dev: Person, page: Path, hold: Path
) -> None:
    push(dev, page)
    (page / "Procfile").write_text(held_back(hold))
    waiting = dev.begin("deploy", "-y", "--no-check", folder=page)
    until(lambda: f"test -e {hold}" in log(dev, page), "the second build starts the app")
    done = people["admin"].inv("cancel", "--name", page.name, "--json")
    number = json.loads(done.out)["number"]
    err = waiting.communicate(timeout=LONGEST)[1]
    said = f"Build {number} was cancelled by {people['admin'].name}."
    assert (waiting.returncode, err.splitlines()[-1]) == (3, said)
    assert not processes_of(hold)
    app = json.loads(dev.inv("status", "--name", page.name, "--json").out)
    assert (app["build"], app["error"], app["running"]) == ("cancelled", said, True)
    # What was cancelled is built when it is deployed again, though no file differs.
    (page / "Procfile").write_text(held_back(hold))
    hold.unlink()
    assert dev.inv("deploy", "-y", "--no-check", folder=page).code == 0
    assert states(dev, page) == ["built", "cancelled", "built"]


def test_queued_build_is_the_one_that_is_cancelled(dev: Person, page: Path, hold: Path) -> None:
    (page / "Procfile").write_text(held_back(hold))
    push(dev, page)
    (page / "index.html").write_text("hello two")
    push(dev, page)
    done = dev.run(f"cancel --name {page.name}")
    assert re.fullmatch(rf"Build \d+ of {page.name} was cancelled\.\n", done.out), done.err
    assert states(dev, page) == ["cancelled", "building"]
    hold.unlink()
    until(lambda: states(dev, page) == ["cancelled", "built"], "the first build goes on")


def test_build_that_is_cancelled_before_its_first_step_ends_too(tmp_path: Path) -> None:
    database, nothing = Database(tmp_path / "sandbox.sqlite3"), cast(Any, None)
    for line in (
        "INSERT INTO users (username, password_hash, role, created, key_seed)"
        " VALUES ('ann', '', 'licensed_user', '', '')",
        "INSERT INTO apps (id, name, owner, title, created, updated)"
        " VALUES (1, 'shop', 'ann', '', '', '')",
        "INSERT INTO builds (app_id, sha, message, author, committed, pushed_by, status,"
        " queued_at) VALUES (1, 'abc', '', 'ann', '', 'ann', 'queued', '')",
    ):
        database.execute(line)
    # A build that never begins has no need of the other parts.
    settings = ServerSettings(tmp_path, 1)
    builds = Builds(settings, database, nothing, nothing, nothing, nothing)
    app = App(1, "shop", tmp_path / "shop")

    async def cancelled_at_once() -> sqlite3.Row:
        builds.work(app)
        while app.id not in builds._at_work:
            await asyncio.sleep(0)
        row = await builds.cancel(app, None, "ann")
        await asyncio.wait({builds._workers[app.id]})
        return row

    row = asyncio.run(cancelled_at_once())
    assert (row["status"], row["error"]) == ("failed", "Build 1 was cancelled by ann.")
    assert row["started_at"] is None and not builds._at_work and not builds._cancelled
    database.close()


def test_app_without_builds_has_none_to_cancel(tmp_path: Path) -> None:
    database, nothing = Database(tmp_path / "sandbox.sqlite3"), cast(Any, None)
    builds = Builds(ServerSettings(tmp_path, 1), database, nothing, nothing, nothing, nothing)
    with pytest.raises(Refused, match=r"^App shop has no builds\.$"):
        asyncio.run(builds.cancel(App(1, "shop", tmp_path / "shop"), None, "ann"))
    database.close()


def test_install_that_is_cancelled_leaves_nothing_behind(
    dev: Person, page: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    lines = f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(1000)\n"
    (page / "lasting").mkdir()
    (page / "lasting" / "setup.py").write_text(lines)
    (page / "requirements.txt").write_text("./lasting\n")
    push(dev, page)
    until(begun.exists, "the install runs the package's own code")
    assert dev.inv("cancel", "--name", page.name).code == 0
    assert not processes_of(begun) and states(dev, page) == ["cancelled"]
    (page / "requirements.txt").unlink()
    (page / "Procfile").write_text(SERVER)
    assert dev.inv("deploy", "-y", "--no-check", folder=page).code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 1, r"Build \d+ of \S+ has already ended: built\."),
        (("--build", "999999"), 5, r"App \S+ has no build 999999\."),
        (("--build", "x"), 2, "--build"),
    ],
)
def test_what_cannot_be_cancelled(
    words: tuple[str, ...], code: int, said: str, people: People, page: Path
) -> None:
    dev = people["dev"]
    assert dev.inv("deploy", "-y", folder=page).code == 0
    done = dev.inv("cancel", "--name", page.name, *words)
    assert done.code == code and re.search(said, done.err), done.err


def test_number_is_a_number(dev: Person, page: Path) -> None:
    push(dev, page)
    number = json.loads(dev.inv("history", "--name", page.name, "--json").out)[0]["number"]
    done = dev.inv("cancel", "--name", page.name, "--build", f"{number}abc")
    assert done.code != 0 and states(dev, page) != ["cancelled"], done.err
