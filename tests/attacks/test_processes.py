"""Attacks by what an app runs: daemons that stay, names, signals, and what is in the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.apps import SERVER, app_folder
from tests.support.attacker import fortified
from tests.support.backstage import backstage
from tests.support.people import Person, log_in
from tests.support.processes import children_of, processes_of
from tests.support.waiting import BOUND, until

STAY = "trap '' TERM\nwhile sleep 0.1; do :; done\n"


@pytest.fixture(scope="module")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox where processes have little time to end."""
    with fortified(tmp_path_factory.mktemp("fortress"), stop_grace=1) as running:
        yield running


@pytest.fixture
def author(fortress: control.Running, tmp_path: Path) -> Person:
    """Somebody with a seat, and bad intentions."""
    return log_in(fortress, backstage(fortress).add("dev"), tmp_path / "author")


def deploy(author: Person, folder: Path) -> str:
    """Deploy a folder; returns what the build said."""
    done = author.run(f"deploy {folder} -y")
    return done.out + done.err


def page(running: control.Running, folder: Path) -> requests.Response:
    """The page of the app of a folder, which everybody may open."""
    return client().get(f"http://localhost:{running.port}/{folder.name}/", timeout=BOUND)


def web_log(running: control.Running, name: str) -> str:
    """What the app of that name, or the sandbox, has said of its web process."""
    (file,) = (f for f in running.data.glob("apps/*/logs/web.log") if name in f.read_text())
    return file.read_text()


HOLD = {
    "its output": "setsid sh stay.sh & exec ",
    "nothing": "setsid sh stay.sh >/dev/null 2>&1 & exec ",
    "no trace of the app": "env -i setsid sh stay.sh & exec ",
}


@pytest.mark.parametrize("what", HOLD)
def test_daemon_does_not_keep_its_app_from_being_deleted(
    what: str, author: Person, tmp_path: Path
) -> None:
    run = SERVER.replace("web: ", f"web: {HOLD[what]}")
    folder = app_folder(tmp_path, "daemon", stay_sh=STAY, Procfile=run)
    # So that it can be told from others'.
    (folder / "Procfile").write_text(run.replace("stay.sh", f"stay.sh {folder}"))
    assert "is live" in deploy(author, folder)
    assert processes_of(folder)
    done = author.run(f"delete -y -n {folder.name}")
    assert done.code == 0, done.err
    assert processes_of(folder) == []


@pytest.mark.parametrize("name", ["build-assets", "build-1", "builds", "x" * 63])
def test_process_of_any_name_is_a_process(name: str, author: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "names", Procfile=f"{SERVER}{name}: echo here; sleep 60\n")
    for number in range(2):
        (folder / "number.txt").write_text(str(number))
        assert "is live" in deploy(author, folder)
    said = author.run(f"logs -n {folder.name} --process-name {name}")
    assert "here" in said.out, said.err


def test_process_whose_name_no_file_can_have(author: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "long", Procfile=f"{SERVER}{'x' * 64}: sleep 60\n")
    assert "at most 63 characters" in deploy(author, folder)


def test_process_that_ends_by_a_real_time_signal_is_started_again(
    author: Person, fortress: control.Running, tmp_path: Path
) -> None:
    folder = app_folder(tmp_path, "signal", Procfile=SERVER + "worker: sleep 0.3; kill -35 $$\n")
    assert "is live" in deploy(author, folder)

    def ended() -> bool:
        said = author.run(f"logs -n {folder.name} --process-name worker").out
        return said.count("ended by signal 35; starting again") > 1

    until(ended, "the worker is started again")


def test_leash_that_is_killed_is_replaced(
    author: Person, fortress: control.Running, tmp_path: Path
) -> None:
    (leash,) = children_of(fortress.pid, "leash.py")
    os.kill(leash, signal.SIGKILL)
    folder = app_folder(tmp_path, "unleashed", Procfile=SERVER)
    assert "is live" in deploy(author, folder)
    assert until(lambda: children_of(fortress.pid, "leash.py"), "there is a leash") != [leash]


def test_line_of_a_build_may_be_long(author: Person, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "line", Procfile=SERVER, requirements_txt="x" * 70_000 + " ==\n")
    said = deploy(author, folder)
    assert "requirements.txt could not be installed" in said
    assert "x" * 10_000 in said and "error of its own" not in said


def own_folder(folder: Path) -> str:
    """The app has a `~/mount` of its own."""
    return "mkdir -p ~/mount/x; "


def file_for_a_folder(folder: Path) -> str:
    """A file is where the sandbox has a folder."""
    return "rm -rf ../mount; touch ../../mount; "


def link_for_a_home(folder: Path) -> str:
    """The home of the app is another folder."""
    return "cd; rm -rf ../home; ln -s /tmp ../home; cd -; "


def pipe_for_a_log(folder: Path) -> str:
    """The sandbox would write to a pipe that nobody reads."""
    return "rm ../../logs/web.log; mkfifo ../../logs/web.log; "


IN_THE_WAY = (own_folder, file_for_a_folder, link_for_a_home, pipe_for_a_log)


@pytest.mark.parametrize("persistent", [False, True])
def test_app_keeps_no_other_from_starting(
    persistent: bool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options: dict[str, int | str] = {"port": 0, "view_access": "unauthenticated", "stop_grace": 1}
    options["rate_limit_points"] = 10_000
    running = control.start(tmp_path / "data", options)
    try:
        author = log_in(running, backstage(running).add("dev"), tmp_path / "author")
        good = app_folder(tmp_path, "good", Procfile=SERVER, index_html="good")
        folders = []
        for puts in IN_THE_WAY:
            folder = app_folder(tmp_path, puts.__name__, index_html="bad")
            run = SERVER.replace("web: ", f"web: {puts(folder)} exec ")
            (folder / "Procfile").write_text(run)
            folders.append(folder)
        for folder in (good, *folders):
            assert "is live" in deploy(author, folder)
            if persistent:
                author.run(f"update -n {folder.name} --persistent-filesystem")
        control.stop(running)
        running = control.start(tmp_path / "data", options)
        until(lambda: page(running, good).text == "good", "the good one is served")
        for folder in folders:
            until(lambda: page(running, folder).text == "bad", "the bad ones are served")
    finally:
        control.stop(running)
