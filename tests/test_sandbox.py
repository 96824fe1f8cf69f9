"""sandbox.*: starting twice, elsewhere, with a full disk, in the foreground; stopping."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server import control
from tests.conftest import INV, Cli, processes_of
from tests.support.disks import small_disk

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cli]:
    """A home whose sandbox, if a test starts one, is stopped after it."""
    cli = Cli(tmp_path, "")
    yield cli
    cli.run("sandbox.stop")


def test_newcomer_types_two_commands(own: Cli, quick: Path) -> None:
    started = own.run("sandbox.start", "--port", "0")
    url = started.stdout.strip()
    assert started.returncode == 0 and f"Logged in as [dev] to [{url}]!" in started.stderr
    file = own.home / ".local/share/de-tasks/sandbox/passwords.json"
    for name, password in json.loads(file.read_text()).items():
        assert f"{name:8} {password}" in started.stderr
    deployed = own.run("deploy", "-y", folder=quick)
    assert deployed.returncode == 0 and "is live after" in deployed.stdout
    again = own.run("sandbox.start", "--port", "0")
    assert (again.returncode, again.stdout) == (0, started.stdout)
    assert "running already" in again.stderr and password not in again.stderr
    assert json.loads(own.run("sandbox.status", "--json").stdout)["url"] == url
    refused = own.run("sandbox.reset", "-y")
    assert refused.returncode == 1 and "Stop it first" in refused.stderr
    assert own.run("sandbox.stop").stdout == "The sandbox has stopped.\n"
    assert own.run("sandbox.stop").stdout == "The sandbox is not running.\n"
    assert own.run("sandbox.reset").returncode == 2
    assert own.run("sandbox.reset", "-y").returncode == 0 and not file.exists()


def test_login_elsewhere_stays_the_default(own: Cli) -> None:
    folder = own.home / ".dash_enterprise"
    folder.mkdir(mode=0o700)
    content = {"format": "de-tasks", "hosts": {}, "last_host": "example.plotly.host"}
    file = folder / "credentials.json"
    file.write_text(json.dumps(content))
    refused = own.run("sandbox.start", "--port", "0")
    assert refused.returncode == 2 and f"chmod 600 {file}" in refused.stderr
    assert "is not running" in own.run("sandbox.status").stdout
    file.chmod(0o600)
    started = own.run("sandbox.start", "--port", "0")
    assert "example.plotly.host stays the default" in started.stderr
    kept = json.loads((folder / "credentials.json").read_text())
    assert kept["last_host"] == "example.plotly.host" and started.stdout.strip() in kept["hosts"]


def test_no_login(own: Cli) -> None:
    own.run("sandbox.start", "--port", "0", "--no-login")
    assert own.run("whoami").returncode == 2


def test_tokens_end_when_they_are_told_to(own: Cli) -> None:
    limits = ("--access-token-seconds", "1", "--offline-token-seconds", "3")
    assert own.run("sandbox.start", "--port", "0", *limits).returncode == 0
    file = own.home / ".dash_enterprise" / "credentials.json"
    before = file.read_text()
    assert own.run("whoami").returncode == 0
    assert file.read_text() != before, "a token that has run out is renewed and kept"
    time.sleep(3)
    ended = own.run("whoami")
    assert ended.returncode == 4 and "Log in again" in ended.stderr


def test_foreground_ends_with_its_signal(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("from de_tasks import ns\n")
    data, port = tmp_path / "data", control.free_port()
    command = [INV, "sandbox.start", "--foreground", "--port", str(port), "--data", str(data)]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    for line in child.stderr:
        if "serving" in line:
            break
    running = control.find(data)
    assert running and running.pid == child.pid
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 0 and control.find(data) is None


def test_late_start_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = ["/bin/sh", "-c", f"trap '' TERM; echo up; while :; do sleep 0.1; done # {tmp_path}"]
    monkeypatch.setattr(control, "command", lambda *_: deaf)
    monkeypatch.setattr(control, "START_TIMEOUT", 0.5)
    monkeypatch.setattr(control, "END_TIMEOUT", 0.1)
    with pytest.raises(DeTasksError, match="did not start within"):
        control.start(tmp_path, {})
    assert (tmp_path / "server.log").read_text() == "up\n"
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("number", ["70000", "x", "-1"])
def test_bad_port(own: Cli, number: str) -> None:
    done = own.run("sandbox.start", f"--port={number}")
    assert done.returncode == 2 and number in done.stderr


def test_data_that_is_no_directory(own: Cli) -> None:
    (own.home / "file").write_text("")
    done = own.run("sandbox.start", "--data", "file")
    assert done.returncode == 2 and "is not a directory" in done.stderr


def test_reset_deletes_only_a_sandbox(own: Cli) -> None:
    (own.home / "mine").mkdir()
    (own.home / "mine" / "thesis.txt").write_text("")
    done = own.run("sandbox.reset", "-y", "--data", "mine")
    assert done.returncode == 2 and (own.home / "mine" / "thesis.txt").exists()


@pytest.mark.usefixtures("namespaces")
def test_sandbox_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("from de_tasks import ns\n")
    command = [INV, "sandbox.start", "--port", "0", "--data", str(tmp_path / "data")]
    done = small_disk(tmp_path / "data", command, "32k")
    assert done.returncode == 1 and "The disk is full" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("namespaces")
def test_deploy_on_a_full_disk(cli: Cli, quick: Path, tmp_path: Path) -> None:
    (quick / "large.bin").write_bytes(os.urandom(4 * 1024**2))
    (quick / "tasks.py").write_text("from de_tasks import ns\n")
    cache = tmp_path / "cache"
    command = ["env", f"HOME={cli.home}", f"DASH_ENTERPRISE_HOST={cli.host}"]
    command += [f"INVOKE_DE_CACHE={cache}", "PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring"]
    done = small_disk(cache, [*command, "sh", "-c", f"cd {quick} && {INV} deploy -y"], "1m")
    assert done.returncode == 1 and "The disk is full" in done.stderr, done.stderr
    assert cli.run("deploy", "-y", folder=quick).returncode == 0


def test_module_says_what_it_is() -> None:
    command = [sys.executable, "-m", "de_tasks.server", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "--access-token-seconds" in done.stdout
