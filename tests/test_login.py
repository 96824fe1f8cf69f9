"""Logging in and out, and where the login is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from de_tasks.server import control
from tests.conftest import INV, Cli, passwords


def test_explicit_keyfile_wins(stranger: Cli, sandbox: control.Running) -> None:
    file = stranger.home / "ci" / "login.json"
    word = passwords(sandbox)["dev"] + "\n"
    arguments = ("--username", "dev", "--password-stdin", "--keyfile", str(file))
    done = stranger.run("login", *arguments, stdin=word)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Logged in as [dev] to [{stranger.host}]!\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not (stranger.home / ".dash_enterprise").exists()
    assert stranger.run("whoami").returncode == 4
    stranger.extra["INVOKE_DE_KEYFILE"] = str(file)
    assert stranger.run("whoami").stdout == f"Logged in as [dev] to [{stranger.host}].\n"
    assert stranger.run("logout").returncode == 0
    assert json.loads(file.read_text()) == {"format": "de-tasks"}


def test_no_keyfile_stores_nothing(stranger: Cli, sandbox: control.Running, wsgi: Path) -> None:
    stranger.extra |= {
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": "dev",
        "DASH_ENTERPRISE_PASSWORD": passwords(sandbox)["dev"],
    }
    assert stranger.run("whoami").stdout == f"Logged in as [dev] to [{stranger.host}].\n"
    assert stranger.run("deploy", "-y", folder=wsgi).returncode == 0
    assert not (stranger.home / ".dash_enterprise").exists()
    del stranger.extra["DASH_ENTERPRISE_PASSWORD"]
    refused = stranger.run("whoami")
    assert refused.returncode == 4 and "DASH_ENTERPRISE_PASSWORD" in refused.stderr


def test_interrupted_browser_login(stranger: Cli) -> None:
    (stranger.home / "tasks.py").write_text("from de_tasks import ns\n")
    child = subprocess.Popen(
        [INV, "login"],
        cwd=stranger.home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(stranger.home),
            "BROWSER": "true",
            "DASH_ENTERPRISE_HOST": stranger.host,
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr
    for line in child.stderr:
        if "confirm the code" in line:
            break
    time.sleep(0.3)
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    rest = child.stderr.read()
    assert child.wait(10) == 130 and "Traceback" not in rest
    assert time.monotonic() - begin < 5
    assert not (stranger.home / ".dash_enterprise" / "credentials.json").exists()


KEYRING = """
import json, os
from keyring.backend import KeyringBackend
class Memory(KeyringBackend):
    priority = 1
    file = os.environ["KEYRING_FILE"]
    def _all(self):
        return json.load(open(self.file)) if os.path.exists(self.file) else {}
    def _save(self, kept):
        json.dump(kept, open(self.file, "w"))
    def get_password(self, service, name):
        return self._all().get(service + "/" + name)
    def set_password(self, service, name, secret):
        self._save({**self._all(), service + "/" + name: secret})
    def delete_password(self, service, name):
        kept = self._all()
        kept.pop(service + "/" + name)
        self._save(kept)
"""


def test_tokens_go_to_the_keyring(stranger: Cli, sandbox: control.Running) -> None:
    (stranger.home / "backend.py").write_text(KEYRING)
    ring = stranger.home / "ring.json"
    stranger.extra |= {
        "PYTHON_KEYRING_BACKEND": "backend.Memory",
        "PYTHONPATH": str(stranger.home),
        "KEYRING_FILE": str(ring),
    }
    stranger.log_in(sandbox)
    index = (stranger.home / ".dash_enterprise" / "credentials.json").read_text()
    (secret,) = json.loads(ring.read_text()).values()
    assert json.loads(secret)["access_token"] not in index and "dev" in index
    assert stranger.run("whoami").returncode == 0
    assert stranger.run("logout").returncode == 0
    assert json.loads(ring.read_text()) == {}
