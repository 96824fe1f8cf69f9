"""Logging in and out as a person does, and where the login is kept."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sys
from pathlib import Path
from unittest import mock

import pytest

from de_tasks.auth.keyfile import Keyfile
from de_tasks.auth.store import Store
from de_tasks.server import control
from tests.support.addresses import client
from tests.support.backstage import PASSWORD
from tests.support.forms import answer
from tests.support.people import PROGRAMS, People, Person
from tests.support.rings import secret_service
from tests.support.terminals import Terminal
from tests.support.vendor import FAKE, through
from tests.support.waiting import until

ANY = "p@ss:w%40rd &=+?#\"'\\ $(x) ü€😀 "
BROWSER = """#!/bin/sh
echo "$1" > browser.part
env >> browser.part
mv browser.part browser.txt
"""


def browser_login(person: Person) -> tuple[Terminal, str]:
    """`login` on a terminal, and the page that it names; its browser wrote down what it was
    given."""
    script = person.home / "browser.sh"
    script.write_text(BROWSER)
    script.chmod(0o755)
    person.environment["BROWSER"] = str(script)
    terminal = Terminal([str(PROGRAMS / "de-tasks"), "login"], person.home, person.variables())
    terminal.shows("and confirm the code ")
    terminal.shows("\n")
    opened, code = terminal.text.splitlines()[:2]
    assert opened.startswith("Open ") and code.startswith("and confirm the code ")
    page = opened.removeprefix("Open ").strip()
    assert page.endswith(code.removeprefix("and confirm the code ").strip())
    return terminal, page


def test_browser_login(nobody: Person, dev: Person) -> None:
    nobody.environment["DASH_ENTERPRISE_PASSWORD"] = "canary-7393"
    terminal, page = browser_login(nobody)
    typed = {"username": dev.name, "password": PASSWORD}
    with terminal:
        assert "Access granted" in answer(page, [typed, {"answer": "yes"}], client())
        terminal.shows(f"Logged in as [{dev.name}] to [{nobody.host}]!")
        assert terminal.end() == 0
    browser = nobody.home / "browser.txt"
    until(browser.exists, "the browser")
    assert browser.read_text().startswith(page) and "canary-7393" not in browser.read_text()
    assert f"[{dev.name}]" in nobody.inv("whoami").out


def test_interrupted_browser_login(nobody: Person) -> None:
    terminal, _ = browser_login(nobody)
    with terminal:
        terminal.interrupt()
        assert terminal.end() == 130 and "Traceback" not in terminal.text
    assert not nobody.keyfile.exists()


@pytest.mark.parametrize(("ci", "why"), [("true", "CI job"), ("", "no terminal")])
def test_no_browser_login_without_a_person(nobody: Person, ci: str, why: str) -> None:
    nobody.environment["CI"] = ci
    refused = nobody.inv("login")
    assert refused.code == 2 and why in refused.err and not refused.opened
    assert "set DASH_ENTERPRISE_USERNAME, and DASH_ENTERPRISE_PASSWORD or" in refused.err


@pytest.fixture
def somebody(nobody: Person, sandbox: control.Running) -> str:
    """A user whose name and password have characters of every kind."""
    name = f"jo+hn.d_oe-{secrets.token_hex(3)}@x-y.org"
    line = ("sandbox.add-user", "--username", name, "--data", str(sandbox.data))
    made = nobody.inv(*line, "--password-stdin", stdin=ANY + "\n")
    assert made.code == 0 and ANY not in made.out, made.err
    return name


def test_any_characters(nobody: Person, somebody: str) -> None:
    done = nobody.inv("login", "--username", somebody, "--password-stdin", stdin=ANY + "\r\n")
    assert done.out == f"Logged in as [{somebody}] to [{nobody.host}]!\n", done.err
    nobody.inv("logout")
    nobody.environment |= {"DASH_ENTERPRISE_USERNAME": somebody, "DASH_ENTERPRISE_PASSWORD": ANY}
    assert nobody.inv("login").code == 0
    nobody.environment["INVOKE_DE_NO_KEYFILE"] = "1"
    assert f"[{somebody}]" in nobody.inv("whoami").out


def test_prompt_does_not_echo(nobody: Person, somebody: str) -> None:
    line = [str(PROGRAMS / "de-tasks"), "login", "--username", somebody]
    with Terminal(line, nobody.home, nobody.variables({"PYTHONUTF8": "1"})) as terminal:
        terminal.shows("Password of")
        terminal.type(ANY + "\n")
        assert terminal.end() == 0
    assert f"Logged in as [{somebody}]" in terminal.text and "p@ss" not in terminal.text


@pytest.mark.parametrize(
    ("line", "stdin", "words"),
    [
        (("--username", "dev", "--password-stdin"), "", "which is empty"),
        (("--password-stdin",), "secret\n", "goes with --username"),
        (("--username", "dev"), "", "use --password-stdin"),
    ],
)
def test_password_that_is_missing(
    line: tuple[str, ...], stdin: str, words: str, nobody: Person
) -> None:
    refused = nobody.inv("login", *line, stdin=stdin)
    assert refused.code == 2 and words in refused.err


def test_explicit_keyfile_wins(nobody: Person, dev: Person) -> None:
    file = nobody.home / "ci" / "login.json"
    arguments = ("--username", dev.name, "--password-stdin", "--keyfile", str(file))
    done = nobody.inv("login", *arguments, stdin=PASSWORD + "\n")
    assert done.out == f"Logged in as [{dev.name}] to [{nobody.host}]!\n", done.err
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not nobody.keyfile.exists() and nobody.inv("whoami").code == 4
    nobody.environment["INVOKE_DE_KEYFILE"] = str(file)
    assert nobody.inv("whoami").out == f"Logged in as [{dev.name}] to [{nobody.host}].\n"
    assert nobody.inv("logout").code == 0
    assert json.loads(file.read_text()) == {"format": "de-tasks"}


@pytest.fixture
def homely(nobody: Person) -> Person:
    """Somebody who names no file for the login."""
    nobody.environment["INVOKE_DE_KEYFILE"] = ""
    return nobody


def test_explicit_keyfile_goes_before_the_home(homely: Person, dev: Person) -> None:
    file = homely.home / "login.json"
    line = ("login", "--username", dev.name, "--password-stdin")
    assert homely.inv(*line, "--keyfile", str(file), stdin=PASSWORD).code == 0
    assert file.exists() and not (homely.home / ".dash_enterprise").exists()


def test_file_without_room_is_said_before_the_password(people: People) -> None:
    with mock.patch("de_tasks.terminal.console.password") as asked:
        line = "--keyfile /proc/login.json login --username dev"
        refused = people["dev"].run(line, terminal=True)
    assert refused.code == 2 and "/proc/login.json cannot be written" in refused.err
    assert not asked.called


def test_place_is_told_once(homely: Person, dev: Person) -> None:
    line = ("login", "--username", dev.name, "--password-stdin")
    first, second = (homely.inv(*line, stdin=PASSWORD).err for _ in range(2))
    assert "Your login is kept in" in first and "(the keyring is missing" in first
    assert second == ""


def test_no_keyfile_stores_nothing(homely: Person, dev: Person, quick: Path) -> None:
    homely.environment |= {
        "INVOKE_DE_NO_KEYFILE": "1",
        "DASH_ENTERPRISE_USERNAME": dev.name,
        "DASH_ENTERPRISE_PASSWORD": PASSWORD,
    }
    assert homely.inv("whoami").out == f"Logged in as [{dev.name}] to [{homely.host}].\n"
    assert homely.inv("deploy", "-y", folder=quick).code == 0
    assert "Nothing was stored" in homely.inv("login").err
    assert not (homely.home / ".dash_enterprise").exists()
    del homely.environment["DASH_ENTERPRISE_PASSWORD"]
    refused = homely.inv("whoami")
    assert refused.code == 4 and "DASH_ENTERPRISE_PASSWORD" in refused.err


def test_login_that_would_be_stored_nowhere_needs_no_browser(homely: Person) -> None:
    homely.environment["INVOKE_DE_NO_KEYFILE"] = "1"
    refused = homely.inv("login", terminal=True)
    assert refused.code == 2 and not refused.opened
    assert "set DASH_ENTERPRISE_USERNAME and DASH_ENTERPRISE_PASSWORD" in refused.err


def test_key_that_takes_precedence_over_a_login_is_named(homely: Person, dev: Person) -> None:
    homely.environment["DASH_ENTERPRISE_API_KEY"] = "a-key"
    done = homely.inv("login", "--username", dev.name, "--password-stdin", stdin=PASSWORD)
    assert done.code == 0 and "a-key" not in done.out + done.err
    assert "DASH_ENTERPRISE_API_KEY is set, and takes precedence over this login." in done.err


def test_tokens_go_to_the_keyring(homely: Person, dev: Person, tmp_path: Path) -> None:
    line = ("login", "--username", dev.name, "--password-stdin")
    with secret_service(tmp_path / "keyring") as address:
        homely.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        homely.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.SecretService.Keyring"
        assert homely.spawn(*line, stdin=PASSWORD).code == 0
        index = (homely.home / ".dash_enterprise" / "credentials.json").read_text()
        assert "access_token" not in index and dev.name in index
        assert homely.spawn("whoami").code == 0
        assert "ended on the server, and is forgotten here" in homely.spawn("logout").err
        assert homely.spawn("whoami").code == 4


def test_logout_while_the_server_is_away(dev: Person) -> None:
    dev.environment["INVOKE_DE_RETRY_DEADLINE"] = "1"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{held.getsockname()[1]}"
        dev.keyfile.write_text(dev.keyfile.read_text().replace(dev.host, away))
        dev.host = away
        done = dev.inv("logout")
    assert done.code == 0 and done.out == f"Logged out of [{away}].\n"
    assert "could not be ended on the server" in done.err and "does not answer" in done.err
    assert json.loads(dev.keyfile.read_text()) == {"format": "de-tasks"}
    assert dev.inv("logout").out == f"You are not logged in to [{away}].\n"


def test_next_login_ends_the_one_before(dev: Person) -> None:
    before = dev.home / "before.json"
    shutil.copy(dev.keyfile, before)
    line = ("login", "--username", dev.name, "--password-stdin")
    assert dev.inv(*line, stdin=PASSWORD).code == 0
    dev.environment["INVOKE_DE_KEYFILE"] = str(before)
    refused = dev.inv("whoami")
    assert refused.code == 4 and "Log in again" in refused.err


def test_host_is_asked_for_among_several(dev: Person) -> None:
    content = json.loads(dev.keyfile.read_text())
    content["hosts"]["example.plotly.host"] = {"host": "example.plotly.host", "username": "x"}
    del content["last_host"]
    dev.keyfile.write_text(json.dumps(content))
    dev.host, before = "", dev.host
    refused = dev.inv("whoami")
    assert refused.code == 2 and f"{before} and example.plotly.host" in refused.err


def test_doctor_says_where_the_login_is(dev: Person) -> None:
    findings = json.loads(dev.inv("doctor", "--json").out)["findings"]
    (seen,) = [finding["seen"] for finding in findings if finding["what"] == "login"]
    assert seen.endswith(f"The login is kept in {dev.keyfile}.")


def test_login_through_de_keeps_tokens_of_our_own(dev: Person) -> None:
    one = through(dev, FAKE)
    one.environment |= {"INVOKE_DE_NO_KEYFILE": "", "INVOKE_DE_GIT_TRANSPORT": "auto"}
    # `de` has the password here, and we have a browser.
    given = {
        name: one.environment.pop(name)
        for name in ("DASH_ENTERPRISE_USERNAME", "DASH_ENTERPRISE_PASSWORD")
    }
    told = one.home / "de"
    words = f"import os, sys\nos.environ |= {given!r}\n"
    run = f"os.execv({str(FAKE)!r}, [{str(FAKE)!r}, *sys.argv[1:]])\n"
    told.write_text(f"#!{sys.executable}\n{words}{run}")
    told.chmod(0o755)
    one.environment["INVOKE_DE_EXECUTABLE"] = str(told)
    terminal, page = browser_login(one)
    with terminal:
        answer(page, [{"username": dev.name, "password": PASSWORD}, {"answer": "yes"}], client())
        terminal.shows(f"Logged in as [{dev.name}] to [{one.host}]!")
        assert terminal.end() == 0
    folder = one.home / ".dash_enterprise"
    assert "pair" in (folder / "credentials.json").read_text()
    ours = Store(Keyfile(folder / "de-tasks.json"))
    assert (login := ours.get(one.host)) and login.username == dev.name and login.refresh_token
    assert one.inv("logout").code == 0 and not ours.hosts()
