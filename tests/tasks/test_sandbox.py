"""sandbox.*: starting twice, elsewhere, with a full disk, in the foreground; stopping."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from de_tasks.auth.store import Store
from de_tasks.errors import DeTasksError
from de_tasks.server import control
from de_tasks.tasks.sandbox import _unmet
from de_tasks.terminal import style
from de_tasks.terminal.commands import typed
from tests.support.addresses import client
from tests.support.apps import SERVER
from tests.support.disks import small_disk
from tests.support.people import LONGEST, PROGRAMS, TASKS, Person, log_in
from tests.support.processes import processes_of
from tests.support.stage import Stage
from tests.support.waiting import BOUND, until

INV = str(PROGRAMS / "inv")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Person]:
    """A home whose sandbox, if a test starts one, is stopped after it."""
    person = Person(tmp_path, "")
    yield person
    person.inv("sandbox.stop")


def test_newcomer_types_two_commands(own: Person, quick: Path) -> None:
    started = own.inv("sandbox.start", "--port", "0", terminal=True)
    url = started.out.strip()
    assert started.code == 0 and f"Logged in as [dev] to [{url}]!" in started.err
    file = own.home / ".local/share/de-tasks/sandbox/passwords.json"
    for name, password in json.loads(file.read_text()).items():
        assert f"{name:8} {password}" in started.err
    deployed = own.inv("deploy", "-y", folder=quick)
    assert deployed.code == 0 and "is live after" in deployed.out
    with mock.patch.object(style, "for_people", lambda: True):
        assert "Next: inv apps" in own.inv("sandbox.start").err, "nothing new has to be deployed"
    again = own.inv("sandbox.start", "--port", "0")
    assert (again.code, again.out) == (0, started.out)
    assert "running already" in again.err and password not in again.err
    mount = own.inv("sandbox.start", "--port", "0", "--allow-mount", str(quick))
    assert "For --allow-mount stop it first" in mount.err
    moved = own.inv("sandbox.start", "--port", "9")
    assert "not on port 9, as it was started. For --port stop it first" in moved.err
    assert json.loads(own.inv("sandbox.status", "--json").out)["url"] == url
    refused = own.inv("sandbox.reset", "-y")
    assert refused.code == 1 and "Stop it first" in refused.err
    assert own.inv("sandbox.stop").out == "The sandbox has stopped.\n"
    assert own.inv("sandbox.stop").out == "The sandbox is not running.\n"
    number = url.rpartition(":")[2]
    stopped = own.inv("status", folder=quick)
    remedy = f"The sandbox is stopped. Start it: inv sandbox.start --port {number}\n"
    assert (stopped.code, stopped.err) == (1, remedy), "known at once, and nothing tried again"
    assert own.inv("deploy", "--no-check", folder=quick).err.endswith(remedy)
    assert own.inv("sandbox.reset").code == 2
    assert own.inv("sandbox.reset", "-y").code == 0 and not file.exists()
    logged = own.inv("sandbox.start", "--port", "0").err
    assert str(file) in logged
    assert not [word for word in json.loads(file.read_text()).values() if word in logged]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 0}, ""),
        ({"port": 8888, "as_version": 4, "tls": True}, ""),
        (
            {"port": 9, "as_version": 5},
            ", not on port 9, as it was started. For --port --as stop it first: ",
        ),
        (
            {"port": 0, "rate_limit_points": 5, "allow_mount": True},
            ", as it was started. For --rate-limit-points --allow-mount stop it first: ",
        ),
    ],
)
def test_what_a_sandbox_that_runs_does_not_have_is_named(
    options: dict[str, int | str], words: str, tmp_path: Path
) -> None:
    running = control.Running(1, "https://x", 8888, "i", tmp_path, ca_path="ca.pem", version=4)
    assert _unmet(options, running) == (f"{words}{typed('sandbox.stop')}" if words else "")


def test_stop_says_which_app_it_waits_for(tmp_path: Path, quick: Path) -> None:
    running = control.start(tmp_path / "data", {"port": 0, "stop_grace": 4})
    try:
        person = log_in(running, "dev", tmp_path / "home")
        (quick / "Procfile").write_text(f"{SERVER.strip()}\nworker: trap '' TERM; sleep 60\n")
        assert person.inv("deploy", "-y", "--name", "stubborn", folder=quick).code == 0
        stopped = person.inv("sandbox.stop", "--data", str(running.data))
        assert "Waiting for stubborn to end, 4 s at most" in stopped.err
    finally:
        control.stop(running)


def test_login_elsewhere_stays_the_default(own: Person) -> None:
    own.environment["INVOKE_DE_KEYFILE"] = ""
    folder = own.home / ".dash_enterprise"
    folder.mkdir(mode=0o700)
    content = {"format": "de-tasks", "hosts": {}, "last_host": "example.plotly.host"}
    file = folder / "credentials.json"
    file.write_text(json.dumps(content))
    refused = own.inv("sandbox.start", "--port", "0")
    assert refused.code == 2 and f"chmod 600 {file}" in refused.err
    assert "is not running" in own.inv("sandbox.status").out
    file.chmod(0o600)
    started = own.inv("sandbox.start", "--port", "0")
    assert "example.plotly.host stays the default" in started.err
    kept = json.loads((folder / "credentials.json").read_text())
    assert kept["last_host"] == "example.plotly.host" and started.out.strip() in kept["hosts"]


def test_no_login(own: Person) -> None:
    own.inv("sandbox.start", "--port", "0", "--no-login")
    assert own.inv("whoami").code == 2


def test_tokens_last_as_long_as_they_are_told_to(own: Person) -> None:
    limits = ("--access-token-seconds", "1000", "--offline-token-seconds", "3000")
    url = own.inv("sandbox.start", "--port", "0", *limits).out.strip()
    login = Store.at(own.keyfile).get(url)
    assert login
    form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
    path = "/auth/realms/dash/protocol/openid-connect/token"
    told = client().post(url + path, data={"client_id": "dash", **form}, timeout=BOUND).json()
    assert told["expires_in"] == 1000 and 1000 < told["refresh_expires_in"] <= 3000


def test_login_ends_with_its_grant(dev: Person, sandbox: control.Running) -> None:
    Stage.expire_in(Store.at(dev.keyfile), dev.host)
    with closing(sqlite3.connect(sandbox.data / "sandbox.sqlite3", timeout=BOUND)) as database:
        with database:
            database.execute("UPDATE grants SET expires = 1 WHERE username = ?", (dev.name,))
    ended = dev.inv("whoami")
    assert ended.code == 4 and "Log in again" in ended.err


def test_foreground_ends_with_its_signal(own: Person) -> None:
    data = own.home / "data"
    words = ("sandbox.start", "--foreground", "--port", "0", "--data", str(data))
    child = own.begin(*words)
    assert child.stderr
    assert any("serving" in line for line in child.stderr)
    running = control.find(data)
    assert running and running.pid == child.pid
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=LONGEST)
    assert child.returncode == 0 and control.find(data) is None


def test_late_start_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = ["/bin/sh", "-c", f"trap '' TERM; echo up; while :; do sleep 0.1; done # {tmp_path}"]
    log = tmp_path / "server.log"

    def nothing(*_: object) -> bytes:
        until(log.read_text, "the process is up")
        return b""

    monkeypatch.setattr(control, "command", lambda *_: deaf)
    monkeypatch.setattr(control, "_read_line", nothing)
    monkeypatch.setattr(control, "END_TIMEOUT", 0.1)
    with pytest.raises(DeTasksError, match="did not start within"):
        control.start(tmp_path, {})
    assert log.read_text() == "up\n"
    assert processes_of(tmp_path) == []


def test_start_that_fails_lets_interrupts_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "command", lambda *_: [str(tmp_path / "no such program")])
    with pytest.raises(OSError):
        control.start(tmp_path, {})
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("number", ["70000", "x", "-1"])
def test_bad_port(own: Person, number: str) -> None:
    done = own.inv("sandbox.start", f"--port={number}")
    assert done.code == 2 and number in done.err


def test_data_that_is_no_directory(own: Person) -> None:
    (own.home / "file").write_text("")
    done = own.inv("sandbox.start", "--data", "file")
    assert done.code == 2 and "is not a directory" in done.err


def test_reset_deletes_only_a_sandbox(own: Person) -> None:
    (own.home / "mine").mkdir()
    (own.home / "mine" / "thesis.txt").write_text("")
    done = own.inv("sandbox.reset", "-y", "--data", "mine")
    assert done.code == 2 and (own.home / "mine" / "thesis.txt").exists()


@pytest.mark.usefixtures("namespaces")
def test_sandbox_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    command = [INV, "sandbox.start", "--port", "0", "--data", str(tmp_path / "data")]
    done = small_disk(tmp_path / "data", command, "32k")
    assert done.returncode == 1 and "The disk is full" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("namespaces")
def test_deploy_on_a_full_disk(dev: Person, quick: Path, tmp_path: Path) -> None:
    (quick / "large.bin").write_bytes(os.urandom(4 * 1024**2))
    (quick / "tasks.py").write_text(TASKS)
    cache = tmp_path / "cache"
    own = dev.variables({"INVOKE_DE_CACHE": str(cache)})
    command = ["env", *(f"{name}={value}" for name, value in own.items())]
    done = small_disk(cache, [*command, "sh", "-c", f"cd {quick} && {INV} deploy -y"], "1m")
    assert done.returncode == 1 and "The disk is full" in done.stderr, done.stderr
    assert dev.inv("deploy", "-y", folder=quick).code == 0


@pytest.mark.slow
def test_module_says_what_it_is() -> None:
    command = [sys.executable, "-m", "de_tasks.server", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "--access-token-seconds" in done.stdout


@pytest.mark.sandbox
def test_sandbox_that_is_started_four_times_at_once_is_one(own: Person) -> None:
    children = [own.begin("sandbox.start", "--no-login", "--port", "0") for _ in range(4)]
    outs = [child.communicate(timeout=LONGEST) for child in children]
    assert [child.returncode for child in children] == [0] * 4, outs
    assert len({out for out, _ in outs}) == 1 and "http://127.0.0.1:" in outs[0][0]
    assert sum("running already" in err for _, err in outs) == 3
