"""The main job, on a real sandbox: deploy, look, change, deploy again, survive."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.apps import held_back
from tests.support.people import LONGEST, Person, log_in
from tests.support.places import ROOT
from tests.support.processes import kill, processes_of
from tests.support.visits import address, fetch
from tests.support.waiting import BOUND, until

# That the program starts, `test_demo_does_the_main_job` shows.


@pytest.mark.sandbox
def test_demo_does_the_main_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.scenarios.demo"],
        cwd=ROOT,
        env={**os.environ, "DEMO_FOLDER": str(tmp_path / "demo")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the page's title is 'Energy use, edited'" in done.stdout
    assert done.stdout.rstrip().endswith("The sandbox has stopped.")


def test_deploy_then_redeploy(dev: Person, wsgi: Path) -> None:
    first = dev.inv("deploy", "-y", folder=wsgi)
    assert first.code == 0, first.err
    url = address(dev, wsgi)
    assert fetch(url) == (200, "hello one")
    (wsgi / "wsgi.py").write_text((wsgi / "wsgi.py").read_text().replace('"one"', '"two"'))
    second = dev.inv("deploy", folder=wsgi)
    assert "Requirements unchanged" in second.err
    assert fetch(url) == (200, "hello two")
    third = dev.inv("deploy", folder=wsgi)
    assert third.out.startswith("Nothing has changed")
    assert "asked for /" in dev.inv("logs", folder=wsgi).out
    assert "Released" in dev.inv("logs", "--type", "build", folder=wsgi).out


def test_app_sees_nothing_of_the_server(dev: Person, wsgi: Path) -> None:
    assert dev.inv("deploy", "-y", folder=wsgi).code == 0
    names = set(json.loads(fetch(address(dev, wsgi) + "env")[1]))
    assert {"PORT", "DASH_APP_NAME", "DASH_REQUESTS_PATHNAME_PREFIX"} <= names
    assert not {n for n in names if n.startswith(("DE_", "GIT_", "PIP_", "UV_", "SSH_"))}


def test_no_request_fails_during_a_release(dev: Person, wsgi: Path) -> None:
    assert dev.inv("deploy", "-y", folder=wsgi).code == 0
    answers: list[int] = []
    url, over = address(dev, wsgi), threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.append(fetch(url + "slow" if len(answers) % 20 == 0 else url)[0])

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    (wsgi / "wsgi.py").write_text((wsgi / "wsgi.py").read_text().replace('"one"', '"two"'))
    assert dev.inv("deploy", folder=wsgi).code == 0
    # Among these are some that take a second: they outlast the release before.
    before = len(answers)
    until(lambda: len(answers) > before + 40, "more is asked after the release")
    over.set()
    for asker in askers:
        asker.join()
    assert set(answers) == {200}


BROKEN = {
    "no_procfile": ("Procfile", None, "There is no Procfile"),
    "requirement": ("requirements.txt", "gunicorn==0.0.99\n", "gunicorn==0.0.99 is not"),
    "syntax": ("Procfile", "web: python -c 'def ('\n", "SyntaxError: "),
    "project": ("project.toml", "[scripts\n", "project.toml is not TOML"),
    "conda": ("environment.yml", "name: x\n", "environment.yml alone is not built here"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str, dev: Person, page: Path) -> None:
    file, text, reason = BROKEN[case]
    assert dev.inv("deploy", "-y", folder=page).code == 0
    (page / file).unlink(missing_ok=True)
    if text:
        (page / file).write_text(text)
    name = ("--name", page.name)
    failed = dev.inv("deploy", "--no-check", *name, folder=page)
    assert failed.code == 3
    assert reason in failed.err
    shown = json.loads(dev.inv("status", "--json", *name, folder=page).out)
    assert shown["build"] == "failed" and shown["running"]
    assert fetch(shown["url"]) == (200, "hello one")


def test_app_that_does_not_listen(tmp_path: Path, quick: Path) -> None:
    running = control.start(tmp_path / "data", {"port": 0, "start_timeout": 1})
    try:
        (quick / "Procfile").write_text("web: echo at http://127.0.0.1:8050; sleep 100\n")
        failed = log_in(running, "dev", tmp_path / "home").inv("deploy", "-y", folder=quick)
        assert failed.code == 3 and "did not listen on $PORT" in failed.err
        assert "It listens on port 8050" in failed.err
    finally:
        control.stop(running)


def test_worker_runs_and_starts_again(dev: Person, quick: Path) -> None:
    with (quick / "Procfile").open("a") as procfile:
        procfile.write("worker: echo at work; exit 3\n")
    assert dev.inv("deploy", "-y", folder=quick).code == 0

    def log() -> str:
        return dev.inv("logs", "--process-name", "worker", folder=quick).out

    until(lambda: log().count("at work") > 1, "the worker starts again")
    assert "exited with status 3" in log()
    unknown = dev.inv("logs", "--process-name", "nobody", folder=quick)
    assert unknown.code == 5 and "web, worker" in unknown.err


def test_foreign_host_is_refused(sandbox: control.Running) -> None:
    assert fetch(sandbox.url, host="evil.example")[0] == 421


def test_killed_sandbox_serves_again(tmp_path: Path, quick: Path, hold: Path, port: int) -> None:
    hold.unlink()
    (quick / "Procfile").write_text(held_back(hold))
    options: dict[str, int | str] = {"port": port, "view_access": "unauthenticated"}
    data = tmp_path / "data"
    running = control.start(data, options)
    try:
        person = log_in(running, "dev", tmp_path / "home")
        assert person.run("deploy -y", folder=quick).code == 0
        url = json.loads(person.run("status --json", folder=quick).out)["url"]
        insert_apps(data, 3000)
        kill(running)
        hold.touch()
        running = control.start(data, options)
        early = requests.get(url, timeout=BOUND)
        assert early.status_code == 503 and f"{quick.name} is starting" in early.text
        assert early.headers["Retry-After"] == "1" and early.headers["Refresh"] == "2"
        hold.unlink()
        assert person.run("restart", folder=quick).code == 0, "it waits for the app to be there"
        assert requests.get(url, timeout=BOUND).status_code == 200
        assert person.run("whoami").out.startswith("Logged in as [dev]")
        made = [path.name for path in (data / "git").iterdir()]
        assert made == ["1.git"], "what was never pushed to costs a start nothing"
    finally:
        if control.find(data):
            control.stop(running)


def insert_apps(data: Path, number: int) -> None:
    """Apps of dev, as rows of the database and so at once."""
    with sqlite3.connect(data / "sandbox.sqlite3", timeout=30) as database:
        database.executemany(
            "INSERT INTO apps (name, owner, title, created, updated) VALUES (?, 'dev', '', '', '')",
            [(f"many-{number}",) for number in range(number)],
        )


MOMENTS: dict[str, Callable[[str, Path], object]] = {
    "sandbox is starting": lambda line, folder: until(
        lambda: any("de_tasks.server" in line for line in processes_of(folder)), "a server"
    ),
    "deploy begins": lambda line, folder: line.startswith("Deploying "),
    "app is starting": lambda line, folder: "-----> Starting web" in line,
}


@pytest.mark.sandbox
@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted_demo_leaves_no_process(moment: str, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "tests.scenarios.demo"],
        cwd=ROOT,
        env={**os.environ, "DEMO_FOLDER": str(tmp_path / "demo")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout
    assert any(MOMENTS[moment](line, tmp_path) for line in demo.stdout)
    os.killpg(demo.pid, signal.SIGINT)
    rest = demo.stdout.read()
    assert demo.wait(LONGEST) == 130, rest
    assert "The sandbox" in rest
    assert processes_of(tmp_path) == []
