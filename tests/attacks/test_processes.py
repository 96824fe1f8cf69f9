"""Attacks by what an app runs: daemons that stay, names, signals, and what is in the way."""

from __future__ import annotations

import functools
import http.client
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

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
    """Deploy a folder without a check of our own; returns what the build said."""
    done = author.run(f"deploy {folder} -y --no-check")
    return done.out + done.err


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
    assert "x" * 10_000 in said and "failed internally" not in said


IN_THE_WAY = {
    "a folder for the link": "mkdir -p ~/mount/x",
    "a pipe for a log": "rm ../../logs/web.log; mkfifo ../../logs/web.log",
    "a file for the logs of builds": "rm -rf ../../logs/builds; touch ../../logs/builds",
}


def test_app_keeps_no_other_from_starting(tmp_path: Path) -> None:
    options: dict[str, int | str] = {"port": 0, "view_access": "unauthenticated", "stop_grace": 1}
    running = control.start(tmp_path / "data", options)
    try:
        author = log_in(running, backstage(running).add("dev"), tmp_path / "author")
        good = app_folder(tmp_path, "good", Procfile=SERVER, index_html="good")
        run = SERVER.replace("web: ", f"web: {'; '.join(IN_THE_WAY.values())}; exec ")
        bad = app_folder(tmp_path, "bad", Procfile=run, index_html="bad")
        forgetful = app_folder(tmp_path, "forgetful", index_html="")
        run = SERVER.replace("web: ", "web: rm Procfile; exec ")
        (forgetful / "Procfile").write_text(run)
        for folder in (good, bad, forgetful):
            assert "is live" in deploy(author, folder)
        persist(running, bad)
        control.stop(running)
        running = control.start(tmp_path / "data", {**options, "port": running.port})
        for folder in (good, bad):
            until(functools.partial(shows, running, folder), "both are served")
        assert "has a mount of its own in its home" in author.run(f"status -n {bad.name}").out
        (bad / "note.txt").write_text("")
        assert "is live" in deploy(author, bad)
        reason = "There is no Procfile."
        until(lambda: reason in page(running, forgetful), "the page says why")
        for words in ("status", "logs"):
            assert reason in author.run(f"{words} -n {forgetful.name}").out
        assert reason in (running.data / "server.log").read_text()
    finally:
        control.stop(running)


def persist(running: control.Running, folder: Path) -> None:
    """Let an app have a persistent filesystem from the next start on."""
    with closing(sqlite3.connect(running.data / "sandbox.sqlite3", timeout=BOUND)) as db, db:
        db.execute("UPDATE apps SET persistent = 1 WHERE name = ?", (folder.name,))


def shows(running: control.Running, folder: Path) -> bool:
    """Whether the app of a folder serves its page."""
    return page(running, folder) == (folder / "index.html").read_text()


def page(running: control.Running, folder: Path) -> str:
    """What is at the address of the app of a folder."""
    return client().get(f"http://localhost:{running.port}/{folder.name}/", timeout=BOUND).text


STREAM = """
import http.server, os, time
class Stream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"begun")
        while self.path == "/stream":
            time.sleep(0.1)
            self.wfile.write(b".")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1000
    daemon_threads = True
Server(("127.0.0.1", int(os.environ["PORT"])), Stream).serve_forever()
"""
FILES = 400
"""Few enough that more streams than they allow are soon begun."""


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[control.Running]:
    """A sandbox that may open few files."""
    command = control.command
    few = ["prlimit", f"--nofile={FILES}:{FILES}"]
    monkeypatch.setattr(control, "command", lambda *given: [*few, *command(*given)])
    options: dict[str, int | str] = {"port": 0, "view_access": "unauthenticated", "stop_grace": 1}
    running = control.start(tmp_path / "data", options)
    yield running
    control.stop(running)


def test_streams_do_not_use_up_the_files(narrow: control.Running, tmp_path: Path) -> None:
    author = log_in(narrow, backstage(narrow).add("dev"), tmp_path / "author")
    run = "web: python serve.py\n"
    folder = app_folder(tmp_path, "stream", serve_py=STREAM, Procfile=run)
    assert "is live" in deploy(author, folder)
    path = f"/{folder.name}/"
    with ExitStack() as stack:
        statuses = Counter(begin(narrow, f"{path}stream", stack) for _ in range(FILES))
        assert statuses[200] > 50 and statuses[200] + statuses[503] == FILES
        (web,) = {pid for pid in processes_by_line("python serve.py", narrow.data)}
        os.kill(web, signal.SIGKILL)
    address = f"http://localhost:{narrow.port}{path}"
    get = functools.partial(client().get, address, timeout=BOUND)
    until(lambda: get().text == "begun", "the app is started again")


def begin(running: control.Running, path: str, stack: ExitStack) -> int:
    """Begin a request and keep it; its status."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=BOUND)
    stack.callback(connection.close)
    connection.request("GET", path, headers={"Host": f"localhost:{running.port}"})
    return connection.getresponse().status


def processes_by_line(line: str, data: Path) -> set[int]:
    """The processes with a command line that work in a folder below `data`."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            if said == line and (entry / "cwd").resolve().is_relative_to(data):
                found.add(int(entry.name))
    return found
