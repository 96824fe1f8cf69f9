"""The main job, on a real sandbox: deploy, look, change, deploy again, survive."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.people import Person, log_in
from tests.support.processes import processes_of

# That the program starts, `test_demo_does_the_main_job` shows.
ROOT = Path(__file__).resolve().parent.parent


def fetch(url: str, host: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def address(dev: Person, folder: Path) -> str:
    done = dev.inv("status", "--json", folder=folder)
    return str(json.loads(done.out)["url"])


def test_demo_does_the_main_job(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "demo.py")],
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
    time.sleep(1)
    over.set()
    for asker in askers:
        asker.join()
    assert len(answers) > 20 and set(answers) == {200}


BROKEN = {
    "no_procfile": ("Procfile", None, "There is no Procfile"),
    "requirement": ("requirements.txt", "gunicorn==0.0.99\n", "could not be installed"),
    "syntax": ("wsgi.py", "def (\n", "exited with status"),
    "deaf": ("Procfile", "web: sleep 100\n", "did not listen on $PORT"),
    "runtime": ("runtime.txt", "python-3.2.1\n", "asks for Python 3.2.1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str, dev: Person, wsgi: Path) -> None:
    file, text, reason = BROKEN[case]
    name = ("--name", f"broken-{case.replace('_', '-')}")
    assert dev.inv("deploy", "-y", *name, folder=wsgi).code == 0
    (wsgi / file).unlink(missing_ok=True)
    if text:
        (wsgi / file).write_text(text)
    failed = dev.inv("deploy", *name, folder=wsgi)
    assert failed.code == 3
    assert reason in failed.err
    shown = json.loads(dev.inv("status", "--json", *name, folder=wsgi).out)
    assert shown["build"] == "failed" and shown["running"]
    assert fetch(shown["url"]) == (200, "hello one")


def test_worker_runs_and_starts_again(dev: Person, quick: Path) -> None:
    with (quick / "Procfile").open("a") as procfile:
        procfile.write("worker: echo at work; exit 3\n")
    assert dev.inv("deploy", "-y", folder=quick).code == 0
    log, deadline = "", time.monotonic() + 20
    while log.count("at work") < 2 and time.monotonic() < deadline:
        log = dev.inv("logs", "--process-name", "worker", folder=quick).out
    assert log.count("at work") >= 2 and "exited with status 3" in log
    unknown = dev.inv("logs", "--process-name", "nobody", folder=quick)
    assert unknown.code == 5 and "web, worker" in unknown.err


def test_foreign_host_is_refused(sandbox: control.Running) -> None:
    assert fetch(sandbox.url, host="evil.example")[0] == 421


def test_killed_sandbox_serves_again(tmp_path: Path, quick: Path) -> None:
    (quick / "Procfile").write_text("web: sleep 1; exec python -m http.server $PORT\n")
    options: dict[str, int | str] = {
        "port": control.free_port(),
        "view_access": "unauthenticated",
    }
    data = tmp_path / "data"
    running = control.start(data, options)
    person = log_in(running, "dev", tmp_path / "home")
    assert person.run("deploy -y", folder=quick).code == 0
    url = json.loads(person.run("status --json", folder=quick).out)["url"]
    insert_apps(data, 3000)
    os.kill(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)
    running = control.start(data, options)
    try:
        early = requests.get(url, timeout=20)
        assert early.status_code == 503 and f"{quick.name} is being started" in early.text
        assert early.headers["Retry-After"] == "1" and early.headers["Refresh"] == "2"
        assert person.run("restart", folder=quick).code == 0, "it waits for the app to be there"
        assert requests.get(url, timeout=20).status_code == 200
        assert person.run("whoami").out.startswith("Logged in as [dev]")
        made = [path.name for path in (data / "git").iterdir()]
        assert made == ["1.git"], "what was never pushed to costs a start nothing"
    finally:
        control.stop(running)


def insert_apps(data: Path, number: int) -> None:
    """Apps of dev, as rows of the database and so at once."""
    with sqlite3.connect(data / "sandbox.sqlite3", timeout=30) as database:
        database.executemany(
            "INSERT INTO apps (name, owner, title, created, updated) VALUES (?, 'dev', '', '', '')",
            [(f"many-{number}",) for number in range(number)],
        )


@pytest.mark.parametrize("moment", ["$ inv sandbox.start", "$ inv deploy", "-----> Starting web"])
def test_interrupted_demo_leaves_no_process(moment: str, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "demo.py")],
        env={**os.environ, "DEMO_FOLDER": str(tmp_path / "demo")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout
    for line in demo.stdout:
        if moment in line:
            break
    time.sleep(0.3)
    os.killpg(demo.pid, signal.SIGINT)
    rest = demo.stdout.read()
    assert demo.wait(60) == 130, rest
    assert "The sandbox" in rest
    assert processes_of(tmp_path) == []
