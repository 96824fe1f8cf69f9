"""Logging in and out as a person does, and where the login is kept."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import termios
from pathlib import Path
from unittest import mock

import pytest

from de_tasks.server import control
from tests.support.forms import answer
from tests.support.people import People, Person
from tests.support.rings import secret_service

in_process = pytest.mark.usefixtures("in_process")

ANY = "p@ss:w%40rd &=+?#\"'\\ $(x) ü€😀 "
BROWSER = """#!/bin/sh
echo "$1" > browser.txt
env >> browser.txt
"""


def environment(dev: Person) -> dict[str, str]:
    (dev.home / "tasks.py").write_text("from de_tasks import ns\n")
    own = {"PATH": os.environ["PATH"], "HOME": str(dev.home), "DASH_ENTERPRISE_HOST": dev.host}
    return {**own, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", **dev.environment}


def browser_login(dev: Person) -> tuple[subprocess.Popen[str], str]:
    """`inv login`, and the page that it names; its browser wrote down what it was given."""
    script = dev.home / "browser.sh"
    script.write_text(BROWSER)
    script.chmod(0o755)
    child = subprocess.Popen(
        [INV, "login"],
        cwd=dev.home,
        env={**environment(dev), "BROWSER": str(script)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr
    opened, code = child.stderr.readline(), child.stderr.readline()
    assert opened.startswith("Open ") and code.startswith("and confirm the code ")
    page = opened.removeprefix("Open ").strip()
    assert page.endswith(code.removeprefix("and confirm the code ").strip())
    return child, page


def test_browser_login(nobody: Person, sandbox: control.Running) -> None:
    nobody.environment["DASH_ENTERPRISE_PASSWORD"] = "canary-7393"
    child, page = browser_login(nobody)
    person = {"username": "dev", "password": passwords(sandbox)["dev"]}
    assert "Access granted" in answer(page, [person, {"answer": "yes"}])
    out, err = child.communicate(timeout=60)
    assert out == f"Logged in as [dev] to [{nobody.host}]!\n", err
    seen = (nobody.home / "browser.txt").read_text()
    assert seen.startswith(page) and "canary-7393" not in seen
    assert "[dev]" in nobody.inv("whoami").out


def test_interrupted_browser_login(nobody: Person) -> None:
    child, _ = browser_login(nobody)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=5)
    assert child.returncode == 130 and "Traceback" not in err and not out
    assert not (nobody.home / ".dash_enterprise").exists()


@in_process
def test_no_browser_login_in_ci(nobody: Person) -> None:
    nobody.environment["CI"] = "true"
    refused = nobody.inv("login")
    assert refused.code == 2 and "DASH_ENTERPRISE_API_KEY" in refused.err


@pytest.fixture
def somebody(nobody: Person, sandbox: control.Running) -> str:
    """A user whose name and password have characters of every kind."""
    name = "jo+hn.d_oe@x-y.org"
    line = ("sandbox.add-user", "--username", name, "--data", str(sandbox.data))
    made = nobody.inv(*line, "--password-stdin", stdin=ANY + "\n")
    assert made.code == 0 or "is a user" in made.err, made.err
    assert ANY not in made.out
    return name


@in_process
def test_any_characters(nobody: Person, somebody: str) -> None:
    done = nobody.inv("login", "--username", somebody, "--password-stdin", stdin=ANY + "\r\n")
    assert done.out == f"Logged in as [{somebody}] to [{nobody.host}]!\n", done.err
    nobody.inv("logout")
    nobody.environment |= {"DASH_ENTERPRISE_USERNAME": somebody, "DASH_ENTERPRISE_PASSWORD": ANY}
    assert nobody.inv("login").code == 0
    nobody.environment["INVOKE_DE_NO_KEYFILE"] = "1"
    assert f"[{somebody}]" in nobody.inv("whoami").out


def test_prompt_does_not_echo(nobody: Person, somebody: str) -> None:
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        [INV, "login", "--username", somebody],
        cwd=nobody.home,
        env={**environment(nobody), "PYTHONUTF8": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    seen = b""
    while b"Password of" not in seen:
        seen += os.read(ours, 1024)
    os.write(ours, ANY.encode() + b"\n")
    try:
        while piece := os.read(ours, 1024):
            seen += piece
    except OSError:
        pass  # Linux says so when the other side is closed.
    os.close(ours)
    assert child.wait(60) == 0 and f"Logged in as [{somebody}]" in seen.decode()
    assert "p@ss" not in seen.decode()


@in_process
@pytest.mark.parametrize(
    ("line", "stdin", "words"),
    [
        (("--username", "dev", "--password-stdin"), "", "there is none"),
        (("--password-stdin",), "secret\n", "goes with --username"),
        (("--username", "dev"), "", "use --password-stdin"),
    ],
)
def test_password_that_is_missing(
    line: tuple[str, ...], stdin: str, words: str, nobody: Person
) -> None:
    refused = nobody.inv("login", *line, stdin=stdin)
    assert refused.code == 2 and words in refused.err


@in_process
def test_explicit_keyfile_wins(nobody: Person, sandbox: control.Running) -> None:
    file = nobody.home / "ci" / "login.json"
    word = passwords(sandbox)["dev"] + "\n"
    arguments = ("--username", "dev", "--password-stdin", "--keyfile", str(file))
    done = nobody.inv("login", *arguments, stdin=word)
    assert done.code == 0, done.err
    assert done.out == f"Logged in as [dev] to [{nobody.host}]!\n"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not (nobody.home / ".dash_enterprise").exists()
    assert nobody.inv("whoami").code == 4
    nobody.environment["INVOKE_DE_KEYFILE"] = str(file)
    assert nobody.inv("whoami").out == f"Logged in as [dev] to [{nobody.host}].\n"
    assert nobody.inv("logout").code == 0
    assert json.loads(file.read_text()) == {"format": "de-tasks"}


def test_file_without_room_is_said_before_the_password(people: People) -> None:
    with mock.patch("de_tasks.console.password") as asked:
        line = "--keyfile /proc/login.json login --username dev"
        refused = people["dev"].run(line, terminal=True)
    assert refused.code == 2 and "/proc/login.json cannot be written" in refused.err
    assert not asked.called


def test_place_is_told_once(nobody: Person, sandbox: control.Running) -> None:
    word = passwords(sandbox)["dev"] + "\n"
    line = ("login", "--username", "dev", "--password-stdin")
    first, second = (nobody.inv(*line, stdin=word).err for _ in range(2))
    assert "Your login is kept in" in first and "(the keyring is missing" in first
    assert second == ""


@in_process
def test_no_keyfile_stores_nothing(nobody: Person, sandbox: control.Running, quick: Path) -> None:
    nobody.environment |= {
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": "dev",
        "DASH_ENTERPRISE_PASSWORD": passwords(sandbox)["dev"],
    }
    assert nobody.inv("whoami").out == f"Logged in as [dev] to [{nobody.host}].\n"
    assert nobody.inv("deploy", "-y", folder=quick).code == 0
    assert "Nothing was stored" in nobody.inv("login").err
    assert not (nobody.home / ".dash_enterprise").exists()
    del nobody.environment["DASH_ENTERPRISE_PASSWORD"]
    refused = nobody.inv("whoami")
    assert refused.code == 4 and "DASH_ENTERPRISE_PASSWORD" in refused.err


def test_tokens_go_to_the_keyring(nobody: Person, sandbox: control.Running, tmp_path: Path) -> None:
    with secret_service(tmp_path / "keyring") as address:
        backend = "keyring.backends.SecretService.Keyring"
        nobody.environment |= {
            "DBUS_SESSION_BUS_ADDRESS": address,
            "PYTHON_KEYRING_BACKEND": backend,
        }
        nobody.log_in(sandbox)
        index = nobody.keyfile.read_text()
        assert "access_token" not in index and "dev" in index
        assert nobody.inv("whoami").code == 0
        assert "ended on the server, and is forgotten here" in nobody.inv("logout").err
        assert nobody.inv("whoami").code == 4


@in_process
def test_logout_while_the_server_is_away(dev: Person, sandbox: control.Running) -> None:
    file = dev.keyfile
    away = f"http://127.0.0.1:{control.free_port()}"
    file.write_text(file.read_text().replace(dev.host, away))
    dev.host = away
    dev.environment["INVOKE_DE_RETRY_DEADLINE"] = "1"
    done = dev.inv("logout")
    assert done.code == 0 and done.out == f"Logged out of [{away}].\n"
    assert "could not be ended on the server" in done.err and "does not answer" in done.err
    assert json.loads(file.read_text()) == {"format": "de-tasks"}
    assert dev.inv("logout").out == f"You are not logged in to [{away}].\n"


@in_process
def test_next_login_ends_the_one_before(dev: Person, sandbox: control.Running) -> None:
    before = dev.keyfile.read_text()
    dev.log_in(sandbox)
    other = dev.home / "before.json"
    other.write_text(before)
    other.chmod(0o600)
    dev.environment["INVOKE_DE_KEYFILE"] = str(other)
    refused = dev.inv("whoami")
    assert refused.code == 4 and "Log in again" in refused.err


@in_process
def test_host_is_asked_for_among_several(dev: Person) -> None:
    file = dev.keyfile
    content = json.loads(file.read_text())
    content["hosts"]["example.plotly.host"] = {"host": "example.plotly.host", "username": "x"}
    del content["last_host"]
    file.write_text(json.dumps(content))
    dev.host, before = "", dev.host
    refused = dev.inv("whoami")
    assert refused.code == 2 and f"{before} and example.plotly.host" in refused.err


@in_process
def test_doctor_says_where_the_login_is(dev: Person) -> None:
    findings = json.loads(dev.inv("doctor", "--json").out)["findings"]
    (seen,) = [finding["seen"] for finding in findings if finding["what"] == "login"]
    file = dev.keyfile
    assert seen.endswith(f"The login is kept in {file}.")
