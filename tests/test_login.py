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
from tests.conftest import INV, Cli, passwords
from tests.support.forms import answer
from tests.support.people import People
from tests.support.rings import secret_service

in_process = pytest.mark.usefixtures("in_process")

ANY = "p@ss:w%40rd &=+?#\"'\\ $(x) ü€😀 "
BROWSER = """#!/bin/sh
echo "$1" > browser.txt
env >> browser.txt
"""


def environment(cli: Cli) -> dict[str, str]:
    (cli.home / "tasks.py").write_text("from de_tasks import ns\n")
    own = {"PATH": os.environ["PATH"], "HOME": str(cli.home), "DASH_ENTERPRISE_HOST": cli.host}
    return {**own, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", **cli.extra}


def browser_login(cli: Cli) -> tuple[subprocess.Popen[str], str]:
    """`inv login`, and the page that it names; its browser wrote down what it was given."""
    script = cli.home / "browser.sh"
    script.write_text(BROWSER)
    script.chmod(0o755)
    child = subprocess.Popen(
        [INV, "login"],
        cwd=cli.home,
        env={**environment(cli), "BROWSER": str(script)},
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


def test_browser_login(stranger: Cli, sandbox: control.Running) -> None:
    stranger.extra["DASH_ENTERPRISE_PASSWORD"] = "canary-7393"
    child, page = browser_login(stranger)
    person = {"username": "dev", "password": passwords(sandbox)["dev"]}
    assert "Access granted" in answer(page, [person, {"answer": "yes"}])
    out, err = child.communicate(timeout=60)
    assert out == f"Logged in as [dev] to [{stranger.host}]!\n", err
    seen = (stranger.home / "browser.txt").read_text()
    assert seen.startswith(page) and "canary-7393" not in seen
    assert "[dev]" in stranger.run("whoami").stdout


def test_interrupted_browser_login(stranger: Cli) -> None:
    child, _ = browser_login(stranger)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=5)
    assert child.returncode == 130 and "Traceback" not in err and not out
    assert not (stranger.home / ".dash_enterprise").exists()


@in_process
def test_no_browser_login_in_ci(stranger: Cli) -> None:
    stranger.extra["CI"] = "true"
    refused = stranger.run("login")
    assert refused.returncode == 2 and "DASH_ENTERPRISE_API_KEY" in refused.stderr


@pytest.fixture
def somebody(stranger: Cli, sandbox: control.Running) -> str:
    """A user whose name and password have characters of every kind."""
    name = "jo+hn.d_oe@x-y.org"
    line = ("sandbox.add-user", "--username", name, "--data", str(sandbox.data))
    made = stranger.run(*line, "--password-stdin", stdin=ANY + "\n")
    assert made.returncode == 0 or "is a user" in made.stderr, made.stderr
    assert ANY not in made.stdout
    return name


@in_process
def test_any_characters(stranger: Cli, somebody: str) -> None:
    done = stranger.run("login", "--username", somebody, "--password-stdin", stdin=ANY + "\r\n")
    assert done.stdout == f"Logged in as [{somebody}] to [{stranger.host}]!\n", done.stderr
    stranger.run("logout")
    stranger.extra |= {"DASH_ENTERPRISE_USERNAME": somebody, "DASH_ENTERPRISE_PASSWORD": ANY}
    assert stranger.run("login").returncode == 0
    stranger.extra["INVOKE_DE_NO_KEYFILE"] = "1"
    assert f"[{somebody}]" in stranger.run("whoami").stdout


def test_prompt_does_not_echo(stranger: Cli, somebody: str) -> None:
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        [INV, "login", "--username", somebody],
        cwd=stranger.home,
        env={**environment(stranger), "PYTHONUTF8": "1"},
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
    line: tuple[str, ...], stdin: str, words: str, stranger: Cli
) -> None:
    refused = stranger.run("login", *line, stdin=stdin)
    assert refused.returncode == 2 and words in refused.stderr


@in_process
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


def test_file_without_room_is_said_before_the_password(people: People) -> None:
    with mock.patch("de_tasks.console.password") as asked:
        line = "--keyfile /proc/login.json login --username dev"
        refused = people["dev"].run(line, terminal=True)
    assert refused.code == 2 and "/proc/login.json cannot be written" in refused.err
    assert not asked.called


def test_place_is_told_once(stranger: Cli, sandbox: control.Running) -> None:
    word = passwords(sandbox)["dev"] + "\n"
    line = ("login", "--username", "dev", "--password-stdin")
    first, second = (stranger.run(*line, stdin=word).stderr for _ in range(2))
    assert "Your login is kept in" in first and "(the keyring is missing" in first
    assert second == ""


@in_process
def test_no_keyfile_stores_nothing(stranger: Cli, sandbox: control.Running, quick: Path) -> None:
    stranger.extra |= {
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": "dev",
        "DASH_ENTERPRISE_PASSWORD": passwords(sandbox)["dev"],
    }
    assert stranger.run("whoami").stdout == f"Logged in as [dev] to [{stranger.host}].\n"
    assert stranger.run("deploy", "-y", folder=quick).returncode == 0
    assert "Nothing was stored" in stranger.run("login").stderr
    assert not (stranger.home / ".dash_enterprise").exists()
    del stranger.extra["DASH_ENTERPRISE_PASSWORD"]
    refused = stranger.run("whoami")
    assert refused.returncode == 4 and "DASH_ENTERPRISE_PASSWORD" in refused.stderr


def test_tokens_go_to_the_keyring(stranger: Cli, sandbox: control.Running, tmp_path: Path) -> None:
    with secret_service(tmp_path / "keyring") as address:
        backend = "keyring.backends.SecretService.Keyring"
        stranger.extra |= {"DBUS_SESSION_BUS_ADDRESS": address, "PYTHON_KEYRING_BACKEND": backend}
        stranger.log_in(sandbox)
        index = (stranger.home / ".dash_enterprise" / "credentials.json").read_text()
        assert "access_token" not in index and "dev" in index
        assert stranger.run("whoami").returncode == 0
        assert "ended on the server, and is forgotten here" in stranger.run("logout").stderr
        assert stranger.run("whoami").returncode == 4


@in_process
def test_logout_while_the_server_is_away(cli: Cli, sandbox: control.Running) -> None:
    file = cli.home / ".dash_enterprise" / "credentials.json"
    away = f"http://127.0.0.1:{control.free_port()}"
    file.write_text(file.read_text().replace(cli.host, away))
    cli.host = away
    cli.extra["INVOKE_DE_RETRY_DEADLINE"] = "1"
    done = cli.run("logout")
    assert done.returncode == 0 and done.stdout == f"Logged out of [{away}].\n"
    assert "could not be ended on the server" in done.stderr and "does not answer" in done.stderr
    assert json.loads(file.read_text()) == {"format": "de-tasks"}
    assert cli.run("logout").stdout == f"You are not logged in to [{away}].\n"


@in_process
def test_next_login_ends_the_one_before(cli: Cli, sandbox: control.Running) -> None:
    before = (cli.home / ".dash_enterprise" / "credentials.json").read_text()
    cli.log_in(sandbox)
    other = cli.home / "before.json"
    other.write_text(before)
    other.chmod(0o600)
    cli.extra["INVOKE_DE_KEYFILE"] = str(other)
    refused = cli.run("whoami")
    assert refused.returncode == 4 and "Log in again" in refused.stderr


@in_process
def test_host_is_asked_for_among_several(cli: Cli) -> None:
    file = cli.home / ".dash_enterprise" / "credentials.json"
    content = json.loads(file.read_text())
    content["hosts"]["example.plotly.host"] = {"host": "example.plotly.host", "username": "x"}
    del content["last_host"]
    file.write_text(json.dumps(content))
    cli.host, before = "", cli.host
    refused = cli.run("whoami")
    assert refused.returncode == 2 and f"{before} and example.plotly.host" in refused.stderr


@in_process
def test_doctor_says_where_the_login_is(cli: Cli) -> None:
    findings = json.loads(cli.run("doctor", "--json").stdout)["findings"]
    (seen,) = [finding["seen"] for finding in findings if finding["what"] == "login"]
    file = cli.home / ".dash_enterprise" / "credentials.json"
    assert seen.endswith(f"The login is kept in {file}.")
