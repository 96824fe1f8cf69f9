"""The reference's list of limitations and known issues: none of them is one here."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support import backstage
from tests.support.people import PROGRAMS, Person
from tests.support.published import caller
from tests.support.terminals import Terminal

PASSWORD = "p@ss:w%40rd/ü ?#&\"'$x"


@pytest.fixture
def name() -> str:
    """Of an app that nobody has."""
    return f"ki-{secrets.token_hex(3)}"


def test_app_can_be_initialized_from_the_catalog(dev: Person, name: str) -> None:
    folder = dev.home / name
    done = dev.run(f"apps create --name {name} --template wsgi --path {folder}")
    assert done.out == f"App {name} was initialized on [{dev.host}].\n"
    assert dev.run(f"deploy {folder} --name {name} -y").code == 0
    page = requests.get(dev.run(f"open -n {name}").out.strip(), timeout=30)
    assert page.status_code == 200


def test_title_that_equals_the_name_can_be_removed(dev: Person, name: str) -> None:
    assert dev.run(f"apps create --name {name}").code == 0
    assert dev.run(f"apps update -n {name} --title=").out == f"title: {name} -> ''\n"
    assert dev.run(f"apps update -n {name} --title Mine").out == "title: '' -> Mine\n"


def test_browser_login_can_be_aborted(nobody: Person, dev: Person) -> None:
    line = [str(PROGRAMS / "de-tasks"), "login"]
    with Terminal(line, nobody.home, nobody.variables({"BROWSER": "true"})) as terminal:
        terminal.shows("and confirm the code")
        terminal.interrupt()
        assert terminal.end() == 130
    assert not nobody.keyfile.exists()
    # And the next try is not in the way of the first.
    again = nobody.run(f"login --username {dev.name} --password-stdin", stdin=backstage.PASSWORD)
    assert again.code == 0, again.err


def test_special_characters_in_username_and_password_are_taken_as_they_are(
    sandbox: control.Running, tmp_path: Path, quick: Path
) -> None:
    mark = secrets.token_hex(3)
    name = f"ki+jessica-{mark}@corp"
    wish = {"username": name, "role": "licensed_user"}
    first = control.administer(sandbox, "users", wish)["password"]
    change = """mutation ($old: String, $new: String) {
        changePassword(currentPassword: $old, newPassword: $new) { ok } }"""
    done = caller(sandbox, name).ask(change, old=first, new=PASSWORD)
    assert done == {"changePassword": {"ok": True}}
    known = {"DASH_ENTERPRISE_USERNAME": name, "DASH_ENTERPRISE_PASSWORD": PASSWORD}
    jessica = Person(tmp_path, sandbox.url, known)
    seen = jessica.run("--no-keyfile whoami")
    assert seen.out == f"Logged in as [{name}] to [{sandbox.url}].\n"
    deployed = jessica.run(f"--no-keyfile deploy {quick} -n ki-special-{mark} -y")
    assert deployed.code == 0, deployed.err
    known["DASH_ENTERPRISE_PASSWORD"] = PASSWORD.replace("@", "%40")
    refused = jessica.run("--no-keyfile whoami")
    assert refused.code == 4 and "write @ and not %40" in refused.err


def test_deploy_leaves_no_temporary_copy(dev: Person, quick: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    marked = "a line of this app that no other file has"
    (quick / "note.txt").write_text(marked)
    dev.environment |= {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    assert dev.run(f"deploy {quick} -y").code == 0
    assert list(temporary.iterdir()) == []
    # Not even elsewhere: the cache keeps git's packed objects, and no working copy.
    copies = [f for f in dev.home.rglob("*") if f.is_file() and marked.encode() in f.read_bytes()]
    assert copies == []


def test_certificate_of_an_internal_authority_is_believed_when_it_is_named(
    tls: control.Running, tmp_path: Path, quick: Path
) -> None:
    person, name = Person(tmp_path, tls.url), backstage.backstage(tls).add()
    login, word = f"login --username {name} --password-stdin", backstage.PASSWORD
    refused = person.run(login, stdin=word)
    assert refused.code == 1 and "--ca-path" in refused.err
    done = person.run(f"--ca-path {tls.ca_path} {login}", stdin=word)
    assert done.code == 0, done.err
    person.environment["DASH_ENTERPRISE_CA_PATH"] = tls.ca_path
    done = person.run(f"deploy {quick} -y")
    assert done.code == 0, done.err
