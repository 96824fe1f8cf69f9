"""Marked secrets go through every command there is, and are then searched for everywhere."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import invoke
import pytest
import requests
from invoke.parser import Parser

import de_tasks
from de_tasks.errors import DeTasksError
from de_tasks.server import control
from tests.conftest import INV, Cli, passwords
from tests.support.canaries import HOOKS, ROWS, Row, Watch, contents, stored
from tests.support.repositories import Repository

VALUE = "canary-value-5d1f"
WRONG = "canary-wrong-8c2a"
GIVEN = "canary-given-37b0"
KEY = "canary-key-91ce"


class Stage:
    """An app in a repository, a home with a sandbox of its own, and what has been seen there."""

    def __init__(self, cli: Cli, folder: Path, running: control.Running) -> None:
        self.cli = cli
        self.folder = folder
        self.running = running
        self.repository = Repository.make(folder)
        self.outputs: list[str] = []
        self.canaries = {VALUE, WRONG, GIVEN}
        self.key = str(control.administer(running, "api-key", {"username": "dev"})["key"])
        self.wrong: list[str] = []

    def run(self, *line: str, stdin: str = "", program: str = INV, shows: bool = False) -> int:
        """The exit code of a command, its output kept for the search."""
        done = self.cli.run(*line, folder=self.folder, stdin=stdin, program=program)
        if not shows:
            self.outputs.append(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    def play(self, name: str, row: Row, program: str = INV) -> None:
        """Run the lines of a row, and note those that end otherwise than the row has it."""
        for line, good in [(a, True) for a in row.good] + [(a, False) for a in row.bad]:
            stdin = VALUE + "\n"
            if name == "login":
                stdin = passwords(self.running)["dev"] if good else WRONG
            words = [w.replace("REMOTE", f"{self.folder}.remote") for w in shlex.split(line)]
            if program == INV:
                # The debug output of invoke and of the libraries has all that is printed besides.
                words = [*(["--debug"] if good else []), name, *words]
            else:
                head = self.repository.git("rev-parse", "HEAD")
                stdin = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
            code = self.run(*words, stdin=stdin, program=program, shows=row.shows)
            if (code == 0) != good:
                self.wrong.append(f"{name} {line}: {code}\n{self.outputs[-1][-600:]}")
            if self.running.data.exists():
                self.collect()

    def collect(self) -> None:
        """Remember whatever must not be seen, as far as it exists at this moment."""
        self.canaries |= {self.key, *passwords(self.running).values()}
        file = self.cli.home / ".dash_enterprise" / "credentials.json"
        hosts = json.loads(file.read_text()).get("hosts", {}) if file.exists() else {}
        for login in hosts.values():
            self.canaries |= {login["access_token"], login["refresh_token"]}

    def collect_addresses(self) -> None:
        """The same for the addresses of databases, as the app's variables have them."""
        query = "{ apps { apps { environmentVariables { name value } } } }"
        api = f"{self.running.url}/Manager/graphql"
        answer = requests.post(api, json={"query": query}, auth=("dev", self.key), timeout=30)
        apps = answer.json()["data"]["apps"]["apps"]
        for variable in [v for app in apps for v in app["environmentVariables"]]:
            if variable["name"] in ("REDIS_URL", "DATABASE_URL"):
                word = urlsplit(variable["value"]).password
                assert word
                self.canaries |= {variable["value"], word}


@pytest.fixture
def stage(wsgi: Path, tmp_path: Path) -> Stage:
    (wsgi / "tasks.py").write_text("from de_tasks import ns\n")
    (wsgi / ".gitignore").write_text("secrets.env\n__pycache__/\n")
    (wsgi / "secrets.env").write_text(f"FROM_FILE={VALUE}\n")
    home = tmp_path / "home"
    home.mkdir()
    extra = {
        "BROWSER": "true",
        "INVOKE_DE_APPS": ".",
        "INVOKE_DE_HOOKS_YES": "1",
        # Nobody needs it, since there is no user name beside it.
        "DASH_ENTERPRISE_PASSWORD": GIVEN,
    }
    cli = Cli(home, "", extra)
    # The one place where passwords are shown; what it prints is not searched.
    cli.run("sandbox.start", "--port", "0", "--no-login", "--rate-limit-points", "100000")
    running = control.find(home / ".local/share/de-tasks/sandbox")
    assert running
    cli.host = running.url
    made = Stage(cli, wsgi, running)
    made.repository.git("checkout", "-q", "-b", "feature")
    (wsgi / "wsgi.py").write_text((wsgi / "wsgi.py").read_text().replace('"one"', '"two"'))
    made.repository.commit("second")
    made.repository.git("checkout", "-q", "main")
    made.repository.git("push", "-q", "origin", "main", "feature")
    return made


def test_secrets_stay_secret(stage: Stage, tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    with Watch(tmp_path) as watch:
        for name, row in ROWS.items():
            if name == "services.delete":
                for hook, lines in HOOKS.items():
                    stage.play(hook, lines, str(programs / hook))
                stage.outputs.append(run_here(stage))
                files = list(contents(tmp_path))
                database = stored(stage.running.data / "sandbox.sqlite3")
            if name == "sandbox.stop":
                files += contents(tmp_path)
            stage.play(name, row)
            if name == "services.create":
                stage.collect_addresses()
    assert not stage.wrong, "\n".join(stage.wrong)
    assert len(stage.canaries) > 14
    assert any("git-remote-http" in process.command for process in watch.seen)
    found = [c for c in stage.canaries if any(c in text for text in stage.outputs)]
    assert not found, "in what was printed"
    own = f"DASH_ENTERPRISE_PASSWORD={GIVEN}"
    leaks = {p.command: s for p in watch.seen if (s := p.secrets(stage.canaries, own))}
    assert not leaks
    # The values of variables are there to be given to apps; everything else is hashed.
    assert {c for c in stage.canaries if c.encode() in database} == {VALUE}
    files_are_clean(stage, files)


def run_here(stage: Stage) -> str:
    """`run --with-env`, interrupted; what it printed."""
    procfile = stage.folder / "Procfile"
    before = procfile.read_text()
    procfile.write_text("web: echo ready; sleep 60\n")
    child = subprocess.Popen(
        [INV, "--debug", "run", "--with-env"],
        cwd=stage.folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(stage.cli.home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "DASH_ENTERPRISE_HOST": stage.cli.host,
            "DASH_ENTERPRISE_PASSWORD": GIVEN,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout
    seen = ""
    for line in child.stdout:
        seen += line
        if line.startswith("ready"):
            break
    child.send_signal(signal.SIGINT)
    seen += child.stdout.read()
    assert child.wait(15) == 130, seen
    procfile.write_text(before)
    return seen


def files_are_clean(stage: Stage, files: list[tuple[Path, bytes]]) -> None:
    """No file has a secret but those that are for it, and these nobody else can read."""
    meant = {"credentials.json", "passwords.json", "secrets.env"}
    for path, data in files:
        if path.name in meant or ".sqlite3" in path.name:
            continue
        assert not [c for c in stage.canaries if c.encode() in data], path
    folders = {stage.cli.home / ".dash_enterprise", stage.running.data}
    for path, _ in files:
        if path.name in meant - {"secrets.env"} and path.exists():
            assert path.stat().st_mode & 0o777 == 0o600
    assert {f.stat().st_mode & 0o777 for f in folders if f.exists()} == {0o700}


AWAY = ["dead", "refused"]


@pytest.fixture(params=AWAY)
def failing(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wsgi: Path,
    sandbox: control.Running,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """A host that is away, or one that refuses our key; secrets are in the environment."""
    url = f"http://127.0.0.1:{control.free_port()}" if request.param == "dead" else sandbox.url
    for name in [n for n in os.environ if n.startswith(("DASH_ENTERPRISE", "INVOKE", "GIT"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DASH_ENTERPRISE_HOST": url,
        "DASH_ENTERPRISE_USERNAME": "dev",
        "DASH_ENTERPRISE_PASSWORD": GIVEN,
        "DASH_ENTERPRISE_API_KEY": KEY,
        "INVOKE_DE_RETRY_DEADLINE": "1",
        "INVOKE_DE_RETRY_ATTEMPTS": "1",
        "INVOKE_DE_SANDBOX_DATA": str(tmp_path / "nothing"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(wsgi)
    (wsgi / "secrets.env").write_text(f"FROM_FILE={VALUE}\n")
    yield


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("name", sorted(set(ROWS) - {"sandbox.start"}))
def test_failure_shows_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for line in (*ROWS[name].good, *ROWS[name].bad):
        monkeypatch.setattr(sys, "stdin", io.StringIO(VALUE + "\n"))
        text = ""
        try:
            parsed = Parser(contexts=de_tasks.ns.to_contexts()).parse_argv([name, *line.split()])
            invoke.Executor(de_tasks.ns).execute(*parsed)
        except (invoke.ParseError, invoke.Exit) as error:
            text = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
            assert isinstance(error, (DeTasksError, invoke.ParseError, invoke.Exit))
        printed = capfd.readouterr()
        text += printed.out + printed.err
        assert not [c for c in (VALUE, GIVEN, KEY) if c in text], text


def test_search_finds_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "file").write_text(f"packed: {VALUE}")
    packed = Repository.make(folder)
    (folder / "file").unlink()
    packed.commit("second")
    packed.git("gc", "-q")
    assert any(VALUE.encode() in data for path, data in contents(tmp_path) if ".git" in str(path))
    with Watch(tmp_path) as watch:
        for words, variables in (([WRONG], {}), ([], {"X": GIVEN})):
            nap = [sys.executable, "-c", "import time; time.sleep(0.5)", *words]
            environment = {"HOME": str(tmp_path), **variables}
            subprocess.run(nap, env=environment, check=True, timeout=30)
    seen = {canary for process in watch.seen for canary in process.secrets({WRONG, GIVEN}, "")}
    assert seen == {WRONG, GIVEN}
