"""Bad input: one clear sentence with the remedy, and the exit code of the table."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.conftest import Cli
from tests.support.people import Person, passwords

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["deploy", "--path", "nowhere"], 2, "There is no folder nowhere"),
        (["deploy", "--path", "empty"], 2, "is empty"),
        (["deploy", "--path", "full", "--name", "Bad_Name"], 2, "Try --name bad-name"),
        (["deploy", "--path", "full"], 2, "give -y"),
        (["create", "--name", "docs"], 2, "address of the platform"),
        (
            ["create", "--name", "a" * 31],
            2,
            f"{'a' * 31}: Invalid app name. Names should be between 3 to",
        ),
        (["status", "--name", "nothing"], 5, "App [nothing] does not exist on ["),
        (["logs", "--name", "nothing"], 5, "does not exist"),
        (["logs", "--count", "abc"], 2, "--count should be a whole number"),
        (["logs", "--type", "other"], 2, "build or runtime"),
        (["apps.delete", "--name", "nothing"], 5, "does not exist"),
        (["apps.exists", "--name", "nothing", "--exit-code"], 1, ""),
    ],
)
def test_refused(cli: Cli, arguments: list[str], code: int, words: str) -> None:
    (cli.home / "empty").mkdir()
    (cli.home / "full").mkdir()
    (cli.home / "full" / "app.py").write_text("")
    done = cli.run(*arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_no_host_names_both_ways_on(stranger: Cli) -> None:
    stranger.host = ""
    done = stranger.run("whoami")
    assert done.returncode == 2
    assert "inv login --host" in done.stderr and "inv sandbox.start" in done.stderr


def test_not_logged_in(stranger: Cli) -> None:
    done = stranger.run("whoami")
    assert done.returncode == 4 and "inv login" in done.stderr


def test_wrong_password(stranger: Cli) -> None:
    done = stranger.run("login", "--username", "dev", "--password-stdin", stdin="wrong\n")
    assert done.returncode == 4 and "refuses this user name and password" in done.stderr


def test_revoked_login(cli: Cli, sandbox: control.Running) -> None:
    file = cli.home / ".dash_enterprise" / "credentials.json"
    kept = file.read_text()
    assert cli.run("logout").returncode == 0
    assert "access_token" not in file.read_text()
    file.write_text(kept)
    done = cli.run("whoami")
    assert done.returncode == 4 and "expired or was revoked" in done.stderr


def test_host_that_speaks_something_else(stranger: Cli, sandbox: control.Running) -> None:
    stranger.host = f"http://localhost:{sandbox.port}"
    done = stranger.run("login", "--username", "dev", "--password-stdin", stdin="x\n")
    assert done.returncode == 2 and "not a Dash Enterprise" in done.stderr


def test_host_in_clear_text_is_refused(stranger: Cli) -> None:
    stranger.host = "http://example.plotly.host"
    assert "plain HTTP" in stranger.run("whoami").stderr


def test_viewer_may_not_deploy(stranger: Cli, sandbox: control.Running, wsgi: Path) -> None:
    stranger.log_in(sandbox, "viewer")
    done = stranger.run("deploy", "-y", folder=wsgi)
    assert done.returncode == 4 and "license seat" in done.stderr


def test_name_of_another_user(cli: Cli, stranger: Cli, sandbox: control.Running) -> None:
    assert cli.run("create", "--name", "taken").returncode == 0
    # dev may not see what admin owns.
    admin = stranger
    admin.log_in(sandbox, "admin")
    assert admin.run("create", "--name", "of-admin").returncode == 0
    done = cli.run("create", "--name", "of-admin")
    assert done.returncode == 1 and "of-admin: An app with this name already" in done.stderr


def test_never_deployed(cli: Cli) -> None:
    assert cli.run("create", "--name", "fresh").stdout.startswith("App fresh was initialized on [")
    words = "This app has not been deployed and has no previous builds.\n"
    assert cli.run("apps.status", "--name", "fresh").stdout == words
    assert cli.run("logs", "--name", "fresh").returncode == 5


def test_file_of_another_tool_is_never_altered(tmp_path: Path, sandbox: control.Running) -> None:
    folder = tmp_path / ".dash_enterprise"
    folder.mkdir(mode=0o700)
    theirs = folder / "credentials.json"
    theirs.write_text('{"something": "else"}')
    person = Person(tmp_path, sandbox.url, {"INVOKE_DE_KEYFILE": ""})
    word = passwords(sandbox)["dev"]
    done = person.run("login --username dev --password-stdin", stdin=word)
    assert done.code == 0, done.err
    assert theirs.read_text() == '{"something": "else"}'
    assert "dev" in person.run("whoami").out


def test_taken_port_and_second_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cli = Cli(tmp_path, "")
        port = str(taken.getsockname()[1])
        done = cli.run("sandbox.start", "--port", port, "--data", str(tmp_path / "data"))
    assert done.returncode == 1 and f"Port {port} is taken" in done.stderr


def test_newer_data_directory(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as database:
        database.execute("PRAGMA user_version=99")
    done = Cli(tmp_path, "").run("sandbox.start", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 1 and "newer de-tasks" in done.stderr


def test_program_takes_the_reference_grammar(cli: Cli) -> None:
    program = str(Path(sys.executable).with_name("de-tasks"))
    done = cli.run("apps", "exists", "-n", "nothing", program=program)
    assert done.returncode == 0
    assert done.stdout == f"App [nothing] does not exist on [{cli.host}].\n"
