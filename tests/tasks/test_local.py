"""`run` and `docs`: what happens on this machine."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from de_tasks.auth.device import begin
from de_tasks.auth.oidc import Oidc
from de_tasks.config.host import Host
from de_tasks.net.http import Transport
from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import LONGEST, PROGRAMS, People
from tests.support.processes import processes_of
from tests.support.waiting import BOUND, until

SERVER = """
import os, sys
from wsgiref.simple_server import make_server
def application(environ, start_response):
    start_response("200 OK", [])
    return [f"one {os.environ.get('KEY')} {os.environ.get('DASH_DEBUG')}".encode()]
if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), application).serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app with a web process, and a worker that has a child of its own."""
    made = tmp_path / "here"
    made.mkdir()
    (made / "wsgi.py").write_text(SERVER)
    worker = f"sh -c 'echo beat; tail -f {made}/wsgi.py & sleep 60'"
    (made / "Procfile").write_text(
        f"web: {sys.executable} {made}/wsgi.py\nworker: {worker}\nrelease: false\n"
    )
    (made / "requirements.txt").write_text("gunicorn\n")
    return made


@contextmanager
def running(folder: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`de-tasks run`, ended by Ctrl-C."""
    child = subprocess.Popen(
        [str(PROGRAMS / "de-tasks"), "run", str(folder), *options],
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=LONGEST)
        finally:
            child.kill()


def page(port: int) -> str:
    """What the app answers, when it does."""

    def answer() -> str:
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=BOUND).text
        except requests.ConnectionError:
            return ""

    return until(answer, "the app answers")


@pytest.mark.slow
def test_run_starts_web_alone_in_development_mode(folder: Path, port: int) -> None:
    with running(folder, "--port", str(port)) as child:
        assert page(port) == "one None true"
        assert not any("tail" in line for line in processes_of(folder / "wsgi.py"))
    assert child.returncode == 130
    assert processes_of(folder / "wsgi.py") == []


@pytest.mark.slow
def test_run_all_starts_every_process_and_leaves_none(folder: Path, port: int) -> None:
    with running(folder, "--all", "--port", str(port)) as child:
        assert page(port) == "one None None"
        assert child.stdout
        assert "worker | beat\n" in child.stdout
        until(lambda: "tail -f" in " ".join(processes_of(folder / "wsgi.py")), "the worker's child")
        assert "release" not in " ".join(processes_of(folder / "wsgi.py"))
    assert child.returncode == 130
    assert processes_of(folder / "wsgi.py") == []


def test_run_with_the_variables_of_the_deployed_app(
    folder: Path, port: int, people: People
) -> None:
    person, app = people["dev"], f"run-{secrets.token_hex(3)}"
    person.run(f"apps create -n {app}")
    person.run(f"apps update -n {app} --add-environment-variable KEY=canary-20c4")
    environment = {
        "DASH_ENTERPRISE_HOST": person.host,
        "INVOKE_DE_KEYFILE": str(person.keyfile),
    }
    options = ("--with-env", "-n", app, "--port", str(port))
    with running(folder, *options, **environment) as child:
        assert page(port) == "one canary-20c4 true"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=LONGEST)
    assert "canary-20c4" not in out + err


def test_run_ends_with_the_first_process_that_ends(folder: Path, port: int) -> None:
    (folder / "Procfile").write_text(f"web: {sys.executable} {folder}/wsgi.py\nother: exit 3\n")
    with running(folder, "--all", "--port", str(port)) as child:
        assert child.wait(LONGEST) == 1
        assert child.stderr
        assert "The others were stopped: other ended with status 3" in child.stderr.read()
    assert processes_of(folder / "wsgi.py") == []


def test_run_names_the_signal_that_ended_a_process(folder: Path, port: int) -> None:
    (folder / "Procfile").write_text("web: kill -KILL $$\n")
    with running(folder, "--port", str(port)) as child:
        assert child.wait(LONGEST) == 1 and child.stderr
        assert "web ended by SIGKILL" in child.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("gunicornx wsgi:application", "gunicornx: (command )?not found"),
        (f"{sys.executable} -m dashx", "No module named dashx"),
        (f"{sys.executable} -c 'import dashx'", r"ModuleNotFoundError: No module named 'dashx'"),
    ],
)
def test_run_without_the_apps_packages_says_so(
    folder: Path, port: int, command: str, cause: str
) -> None:
    (folder / "Procfile").write_text(f"web: {command}\n")
    with running(folder, "--port", str(port)) as child:
        assert child.wait(LONGEST) == 1 and child.stderr
        last = child.stderr.read().splitlines()[-1]
    assert re.match(rf"web ended with status \d+: .*{cause}", last), last
    assert last.endswith("are not installed here: pip install -r requirements.txt")


@pytest.mark.slow
def test_run_reloads_a_changed_file(folder: Path, port: int) -> None:
    gunicorn = f"{sys.executable} -m gunicorn"
    (folder / "Procfile").write_text(f"web: {gunicorn} wsgi:application\n")
    with running(folder, "--port", str(port)):
        assert page(port).startswith("one")

        def changed() -> bool:
            # Of another length, or Python takes what it has compiled in the same second; and
            # once more if the server was not looking yet.
            (folder / "new").write_text(SERVER.replace("one", "two, longer"))
            (folder / "new").replace(folder / "wsgi.py")
            return page(port).startswith("two")

        until(changed, "the changed file")


def test_docs_is_opened_and_printed(people: People) -> None:
    person = people["viewer"]
    done = person.run("docs")
    assert done.out == f"{person.host}/docs\n" and done.opened == (f"{person.host}/docs",)


def test_docs_page_is_for_those_with_a_seat(sandbox: control.Running, people: People) -> None:
    assert "sign-in" in Browser(sandbox).get("/docs").url
    forbidden = signed_in(sandbox, people["viewer"].name).get("/docs")
    assert forbidden.status_code == 403 and "Forbidden" in forbidden.text
    assert "https://dash.plotly.com/" in forbidden.text
    assert signed_in(sandbox, people["dev"].name).get("/docs").status_code == 200


def signed_in(sandbox: control.Running, name: str) -> Browser:
    browser = Browser(sandbox)
    cookie = f"de-session-{sandbox.port}"
    browser.session.cookies.set(cookie, backstage(sandbox).session(name), domain="127.0.0.1")
    return browser


def test_brokered_user_is_told_to_use_a_browser(sandbox: control.Running, people: People) -> None:
    name = f"brokered-{secrets.token_hex(3)}"
    wish = {"username": name, "role": "licensed_user", "brokered": True}
    password = str(control.administer(sandbox, "users", wish)["password"])
    line = f"login --username {name} --password-stdin"
    done = people["dev"].run(line, stdin=password + "\n")
    assert done.code == 4
    assert "Users of an identity provider elsewhere log in with a browser" in done.err
    browser = Browser(sandbox)
    code = begin(Oidc(Host.parse(sandbox.url), Transport()))
    form = browser.get(code.page)
    asked = browser.submit(form, username=name, password=password)
    assert asked.status_code == 200 and name in asked.text
