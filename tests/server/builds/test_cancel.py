"""A build that is cancelled ends, for good, and nothing else does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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
        ((), 1, r"Build \d+ of \S+ has ended already: built\."),
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
