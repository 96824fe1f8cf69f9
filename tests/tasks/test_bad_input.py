"""Bad input: one clear sentence with the remedy, and the exit code of the table."""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import PASSWORD
from tests.support.people import People, Person
from tests.support.repositories import Repository


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["deploy", "--path", "nowhere"], 2, "There is no folder nowhere"),
        (["deploy", "--path", "empty"], 2, "is empty"),
        (["deploy", "--path", "full", "--name", "Bad_Name"], 2, "Try --name bad-name"),
        (["deploy", "--path", "full", "--no-check"], 2, "give -y"),
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
        (["apps.transfer", "--name", "any", "-y"], 2, "Name the new owner with --username."),
        (["apps.create", "--name", "any", "--path", "x"], 2, "--path is the folder for a template"),
        (["apps.update", "--name", "nothing", "--title", "X"], 5, "does not exist"),
        (["apps.export", "--all", "--name", "any"], 2, "--all contradicts --name"),
        (["access.user", " "], 2, "Say whose access: a user name is missing."),
        (["check", "--path", "full", "--ref", "HEAD", "--secrets"], 2, "leave out --ref."),
        (["init", "--migrate", "--template", "dash"], 2, "give it by itself."),
        (["variables.set", ""], 2, "Which variable? Give its name, such as API_KEY"),
        (["services.delete", "--type", "mongo", "-y"], 2, "mongo"),
        (["sandbox.start", "--as", "6"], 2, "--as is 4 or 5, not '6'."),
        (["sandbox.start", "--allow-mount", "nowhere"], 2, "--allow-mount nowhere: there is no"),
        (["sandbox.start", "--view-access", "all"], 2, "--view-access"),
        (["run", "--path", "full", "--with-env", "--name", "nothing"], 5, "does not exist"),
        (["rollback", "--timeout", "soon"], 2, "--timeout should be a whole number"),
        (["promote", "--from", "any", "--timeout", "0"], 2, "a whole number from 1 up"),
        (["fleet.deploy", "--all", "--timeout", "-1"], 2, "a whole number from 1 up"),
    ],
)
def test_refused(dev: Person, arguments: list[str], code: int, words: str) -> None:
    (dev.home / "empty").mkdir()
    (dev.home / "full").mkdir()
    (dev.home / "full" / "app.py").write_text("")
    done = dev.inv(*arguments)
    assert (done.code, words in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


def test_whoever_does_not_agree_keeps_all(dev: Person, page: Path) -> None:
    Repository.make(page, dev.variables()).git("push", "-q", "origin", "main")
    for text in ("one", "two"):
        (page / "index.html").write_text(text)
        done = dev.inv("deploy", "-y", "-m", text, folder=page)
        assert done.code == 0, done.err
    dev.inv("services.create", "--type", "redis", "--app-name", page.name)
    dev.inv("apps.update", "--persistent-filesystem", folder=page)
    dev.inv("preview.deploy", "-y", "--branch", "topic", "--no-wait", folder=page)
    before = there(dev, page)
    for line, typed, question, answer in (
        ("delete", "other", "Delete", "Nothing was deleted."),
        ("apps.transfer --username other", "other", "Transfer", "Nothing was transferred."),
        ("services.delete", "n", "Delete the redis database", "Nothing was deleted."),
        ("rollback", "n", "Put build ", "Nothing was changed."),
        ("apps.update --no-persistent-filesystem", "n", "Delete the", "Nothing was changed."),
        ("preview.delete --branch topic", "n", "the preview of topic", "Nothing was deleted."),
        ("preview.prune", "n", "Delete 1 preview?", "Nothing was deleted."),
    ):
        refused = dev.inv(*line.split(), folder=page, stdin=f"{typed}\n", terminal=True)
        assert refused.code == 1 and refused.err.endswith(f" {answer}\n"), refused
        assert question in refused.err and there(dev, page) == before, line


def there(dev: Person, folder: Path) -> tuple[object, ...]:
    """What somebody has: apps with their owners, databases, and the builds of one app."""
    apps = [(app["name"], app["owner"]) for app in json.loads(dev.inv("apps", "--json").out)]
    builds = json.loads(dev.inv("history", "--json", folder=folder).out)
    info = json.loads(dev.inv("apps.info", "--json", folder=folder).out)
    return apps, len(builds), info["persistent_filesystem"], dev.inv("services").out


def test_sandbox_whose_reset_is_declined_is_kept(nobody: Person, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "passwords.json").write_text("{}")
    words = ("sandbox.reset", "--data", str(tmp_path / "data"))
    done = nobody.inv(*words, stdin="n\n", terminal=True)
    assert done.code == 1 and done.err.endswith(" Nothing was deleted.\n"), done.err
    assert (tmp_path / "data" / "passwords.json").exists()


def test_logging_out_of_nothing_is_no_failure(nobody: Person) -> None:
    nobody.host = ""
    done = nobody.inv("logout")
    assert (done.code, done.out) == (0, "You are not logged in.\n")


def test_schema_of_a_published_api_is_not_asked_for(dev: Person) -> None:
    done = dev.inv("doctor", "--schema", "names.json")
    assert done.code == 1 and not (dev.home / "names.json").exists()
    assert "--schema is for a host that is reached through `de`" in done.out


def test_no_host_names_both_ways_on(nobody: Person) -> None:
    nobody.host = ""
    done = nobody.inv("whoami")
    assert done.code == 2
    assert "inv login --host" in done.err and "inv sandbox.start" in done.err


def test_not_logged_in(nobody: Person) -> None:
    done = nobody.inv("whoami")
    assert done.code == 4 and "inv login" in done.err


def test_wrong_password(nobody: Person, dev: Person) -> None:
    done = nobody.inv("login", "--username", dev.name, "--password-stdin", stdin="wrong\n")
    assert done.code == 4 and "refuses this user name and password" in done.err


def test_revoked_login(dev: Person) -> None:
    kept = dev.keyfile.read_text()
    assert dev.inv("logout").code == 0
    assert "access_token" not in dev.keyfile.read_text()
    dev.keyfile.write_text(kept)
    done = dev.inv("whoami")
    assert done.code == 4 and "expired or was revoked" in done.err


def test_host_that_speaks_something_else(nobody: Person, sandbox: control.Running) -> None:
    nobody.host = f"http://localhost:{sandbox.port}"
    done = nobody.inv("login", "--username", "dev", "--password-stdin", stdin="x\n")
    assert done.code == 2 and f"login --host {sandbox.url}" in done.err
    assert "is where the sandbox's apps are" in done.err


@pytest.mark.parametrize("host", ["localhost:8888", "127.0.0.1:8888"])
def test_sandbox_without_its_scheme_is_named_whole(nobody: Person, host: str) -> None:
    done = nobody.inv("login", "--host", host)
    assert done.code == 2 and "write http://127.0.0.1:8888\n" in done.err


def test_host_that_does_not_exist_is_not_tried_again(
    nobody: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    word = ("--username", "dev", "--password-stdin")
    done = nobody.inv("login", "--host", "de.exampel.host", *word, stdin="x\n")
    assert done.code == 2, "75 would say that it is safe to run again"
    assert done.err == "There is no host auth-de.exampel.host. Is the name right?\n"


def test_host_in_clear_text_is_refused(nobody: Person) -> None:
    nobody.host = "http://example.plotly.host"
    assert "plain HTTP" in nobody.inv("whoami").err


def test_viewer_may_not_deploy(people: People, quick: Path) -> None:
    done = people["viewer"].inv("deploy", "-y", folder=quick)
    assert done.code == 4 and "license seat" in done.err


@pytest.fixture
def name() -> str:
    """Of an app that nobody has."""
    return f"app-{secrets.token_hex(3)}"


def test_name_of_another_user(people: People, name: str) -> None:
    # What an administrator owns others do not see.
    assert people["admin"].inv("create", "--name", name).code == 0
    done = people["dev"].inv("create", "--name", name)
    assert done.code == 1 and f"{name}: An app with this name already" in done.err


def test_never_deployed(dev: Person, name: str) -> None:
    made = dev.inv("create", "--name", name)
    assert made.out.startswith(f"App {name} was initialized on [")
    words = "This app has not been deployed and has no previous builds.\n"
    assert dev.inv("apps.status", "--name", name).out == words
    assert dev.inv("logs", "--name", name).code == 5


def test_file_of_another_tool_is_never_altered(nobody: Person, dev: Person) -> None:
    folder = nobody.home / ".dash_enterprise"
    folder.mkdir(mode=0o700)
    theirs = folder / "credentials.json"
    theirs.write_text('{"something": "else"}')
    nobody.environment["INVOKE_DE_KEYFILE"] = ""
    done = nobody.run(f"login --username {dev.name} --password-stdin", stdin=PASSWORD)
    assert done.code == 0, done.err
    assert theirs.read_text() == '{"something": "else"}'
    assert f"[{dev.name}]" in nobody.run("whoami").out


@pytest.mark.sandbox
def test_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"sandbox start --port {port} --data {tmp_path / 'data'}"
        done = Person(tmp_path, "").run(line)
    assert done.code == 1 and f"Port {port} is taken" in done.err


@pytest.mark.sandbox
def test_newer_data_directory(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as database:
        database.execute("PRAGMA user_version=99")
    done = Person(tmp_path, "").run(f"sandbox start --port 0 --data {tmp_path}")
    assert done.code == 1 and "newer de-tasks" in done.err


def test_program_takes_the_reference_grammar(dev: Person) -> None:
    done = dev.run("apps exists -n nothing")
    assert done.code == 0
    assert done.out == f"App [nothing] does not exist on [{dev.host}].\n"
