"""The reference's list of limitations and known issues: none of them is one here."""

from __future__ import annotations

import os
import pty
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.people import People, Person, log_in, passwords
from tests.support.published import caller

PROGRAM = str(Path(sys.executable).with_name("de-tasks"))
PASSWORD = "p@ss:w%40rd/ü ?#&\"'$x"


@pytest.fixture
def dev(people: People) -> Person:
    """A user with a seat."""
    return people["dev"]


def test_app_can_be_initialized_from_the_catalog(dev: Person, tmp_path: Path) -> None:
    dev.inv("apps delete -n ki-catalog")
    folder = tmp_path / "ki-catalog"
    line = f"apps create --name ki-catalog --template wsgi --path {folder}"
    done = dev.run(line)
    assert done.out == f"App ki-catalog was initialized on [{dev.host}].\n"
    assert dev.run(f"deploy {folder} --name ki-catalog -y").code == 0
    page = requests.get(dev.inv("open -n ki-catalog").out.strip(), timeout=30)
    assert page.status_code == 200


def test_title_that_equals_the_name_can_be_removed(dev: Person) -> None:
    dev.inv("apps delete -n ki-title")
    dev.inv("apps create --name ki-title")
    assert dev.inv("apps update -n ki-title --title=").out == "title: ki-title -> ''\n"
    assert dev.inv("apps update -n ki-title --title Mine").out == "title: '' -> Mine\n"


def test_browser_login_can_be_aborted(sandbox: control.Running, tmp_path: Path) -> None:
    terminal, child_side = pty.openpty()
    child = subprocess.Popen(
        [PROGRAM, "--host", sandbox.url, "login"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BROWSER": "true"},
        stdin=child_side,
        stdout=child_side,
        stderr=child_side,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(child_side)
    seen = ""
    while "code" not in seen:
        seen += os.read(terminal, 4096).decode()
    time.sleep(0.5)
    os.write(terminal, b"\x03")
    assert child.wait(15) == 130
    os.close(terminal)
    assert not list(tmp_path.rglob("credentials.json"))
    # And the next try is not in the way of the first.
    assert log_in(sandbox, "dev", tmp_path / "again").run("whoami").code == 0


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


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
    assert dev.inv("deploy", str(quick), "-n", "ki-copy", "-y", program=PROGRAM).code == 0
    assert list(temporary.iterdir()) == []
    # Not even elsewhere: the cache keeps git's packed objects, and no working copy.
    copies = [f for f in dev.home.rglob("*") if f.is_file() and marked.encode() in f.read_bytes()]
    assert copies == []


def test_certificate_of_an_internal_authority_is_believed_when_it_is_named(
    tls: control.Running, tmp_path: Path, quick: Path
) -> None:
    person = Person(tmp_path, tls.url)
    login, word = "login --username dev --password-stdin", passwords(tls)["dev"] + "\n"
    refused = person.run(login, stdin=word)
    assert refused.code == 1 and "--ca-path" in refused.err
    done = person.run(f"--ca-path {tls.ca_path} {login}", stdin=word)
    assert done.code == 0, done.err
    person.environment["DASH_ENTERPRISE_CA_PATH"] = tls.ca_path
    done = person.run(f"deploy {quick} -n ki-tls -y")
    assert done.code == 0, done.err
