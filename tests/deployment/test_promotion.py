"""Promoting: what serves as one app becomes the next deploy of another."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.people import People, Person
from tests.support.visits import address, fetch


@pytest.fixture
def staged(dev: Person, page: Path) -> str:
    """The name of an app that is deployed, as staging."""
    assert dev.run("deploy -y", folder=page).code == 0
    return page.name


def test_what_serves_is_deployed_and_says_where_it_is_from(
    dev: Person, page: Path, staged: str, sandbox: control.Running
) -> None:
    other = f"{staged}-p"
    assert dev.inv("variables.set", "ONLY_THERE", folder=page, stdin="secret\n").code == 0
    (page / "index.html").write_text("not deployed")
    done = dev.run(f"promote --from {staged} --name {other} -y")
    assert done.code == 0, done.err
    assert fetch(address(dev, page).replace(staged, other)) == (200, "hello one")
    assert f"Variables that only {staged} has: ONLY_THERE" in done.err and "secret" not in done.err
    (build,) = json.loads(dev.run(f"history --name {other} --json").out)
    (source,) = json.loads(dev.run(f"history --name {staged} --json").out)
    whence = {"app": staged, "number": source["number"], "sha": source["sha"]}
    assert build["promoted"] == whence and source["promoted"] is None
    assert f"{staged} {source['sha'][:7]}" in dev.run(f"history --name {other}").out
    with closing(sqlite3.connect(sandbox.data / "sandbox.sqlite3")) as database:
        (message,) = database.execute(
            "SELECT message FROM builds WHERE id = ?", (build["number"],)
        ).fetchone()
    assert f"\nDe-Promoted: {staged} build " in message


def test_nobody_promotes_what_he_may_not_see(people: People, page: Path, staged: str) -> None:
    other = people["other"].run(f"promote --from {staged} --name {staged}-o -y")
    assert other.code == 5 and f"App [{staged}] does not exist" in other.err


def test_what_differs_is_shown_before_the_question(dev: Person, page: Path, staged: str) -> None:
    other = f"{staged}-p"
    (page / "index.html").write_text("hello two")
    dev.run(f"deploy -y --name {other}", folder=page)
    no = dev.inv("promote", "--from", staged, "--name", other, terminal=True, stdin="n\n")
    dev.run(f"variables.set ONLY_HERE --name {other}", stdin="secret\n")
    lines = dev.run(f"promote --from {staged} --name {other} --dry-run --json").out.splitlines()
    (compared,) = [line for line in map(json.loads, lines) if "variables" in line]
    assert compared["variables"] == {"only_there": [], "only_here": ["ONLY_HERE"]}
    assert no.code == 1 and "index.html | 2 +-" in no.err and "Nothing was deployed." in no.err
    for words in ("promote --dry-run", "-R promote"):
        dry = dev.inv(*words.split(), "--from", staged, "--name", other)
        assert dry.code == 0 and "Nothing was sent" in dry.out, dry.err
    assert fetch(address(dev, page).replace(staged, other)) == (200, "hello two")
    assert dev.run(f"promote --from {staged} --name {other} -y").code == 0
    again = dev.run(f"promote --from {staged} --name {other} -y")
    assert f"The files are those of {other}." in again.err and "Nothing has changed" in again.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("", 2, "Say which app to promote: --from NAME."),
        ("--from STAGED --name STAGED", 2, "cannot be promoted to itself"),
        ("--from Other.host/app --name x", 2, "names an app of the same host"),
        ("--from nothing-here --name x", 5, "App [nothing-here] does not exist"),
        ("--from STAGED --name x-p", 2, "To say yes, give -y"),
    ],
)
def test_what_cannot_be_promoted_is_named(
    dev: Person, staged: str, words: str, code: int, message: str
) -> None:
    done = dev.run(f"promote {words}".replace("STAGED", staged))
    assert done.code == code and message in done.err, done.err


def test_app_of_which_nothing_serves(dev: Person, page: Path) -> None:
    dev.run(f"apps create --name {page.name}")
    words = f"promote --from {page.name} --name {page.name}-p -y"
    never = dev.run(words)
    assert never.code == 5 and "has not been deployed" in never.err
    (page / "Procfile").write_text("web: exit 3\n")
    dev.run("deploy -y --no-check", folder=page)
    failed = dev.run(words)
    assert failed.code == 1 and "No build of" in failed.err and "failed" in failed.err


def test_last_build_failed_and_the_one_that_serves_is_promoted(
    dev: Person, page: Path, staged: str
) -> None:
    (page / "Procfile").write_text("web: exit 3\n")
    dev.run("deploy -y --no-check", folder=page)
    other = f"{staged}-p"
    assert dev.run(f"promote --from {staged} --name {other} -y").code == 0
    assert fetch(address(dev, page).replace(staged, other)) == (200, "hello one")


def test_only_what_the_server_lacks_is_sent(dev: Person, page: Path) -> None:
    def sent(line: str) -> str:
        done = dev.run(f"{line} -y --json", folder=page)
        assert done.code == 0, done.err
        told = [json.loads(text)["text"] for text in done.out.splitlines()]
        return str(re.findall(r"Writing objects: 100% \((\d+/\d+)\)", "\n".join(told))[-1])

    for number in range(5):
        (page / f"{number}.txt").write_text(f"{number}")
    promote = f"promote --from {page.name} --name {page.name}-p"
    assert sent("deploy") == sent(promote) == "9/9", "a commit, a tree and all files"
    (page / "0.txt").write_text("new")
    assert sent("deploy") == sent(promote) == "3/3"
