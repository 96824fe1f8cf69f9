"""A person whose every secret is marked, and all that was seen of what they did."""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.canaries import Row, contents
from tests.support.people import Person
from tests.support.repositories import Repository

PROGRAMS = Path(sys.executable).parent
INV = "inv"
VALUE = "canary-value-5d1f"
WRONG = "canary-wrong-8c2a"
GIVEN = "canary-given-37b0"
KEYFILES = {"authority.key", "server.key"}
MEANT = {"credentials.json", "passwords.json", "admin.key", "secrets.env", *KEYFILES}


@dataclass
class Stage:
    """An app in a repository, a home with a sandbox of its own, and what has been seen there."""

    person: Person
    folder: Path
    running: control.Running
    repository: Repository
    outputs: list[str] = field(default_factory=list)
    canaries: set[str] = field(default_factory=lambda: {VALUE, WRONG, GIVEN})
    wrong: list[str] = field(default_factory=list)
    key: str = ""

    def play(self, name: str, row: Row, program: str = INV) -> None:
        """Run the lines of a row, and note those that end otherwise than the row has it."""
        for line, good in [(a, True) for a in row.good] + [(a, False) for a in row.bad]:
            stdin = VALUE + "\n"
            if name == "login":
                stdin = backstage(self.running).password("dev") if good else WRONG
            if "lasting" in line:
                self._begin_a_build()
            told = line.replace("FOLDER", self.folder.name)
            words = [w.replace("REMOTE", f"{self.folder}.remote") for w in shlex.split(told)]
            if program != INV:
                head = self.repository.git("rev-parse", "HEAD")
                stdin = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
            if name == "run" and good:
                code, text = self._interrupted(words)
            elif row.started and good:
                code, text = self._started(program, name, words, stdin)
            else:
                code, text = self._called(program, name, words, stdin)
            if not row.shows:
                self.outputs.append(text)
            if (code == 0) != good:
                self.wrong.append(f"{name} {line}: {code}\n{text[-900:]}")
            if self.running.data.exists():
                self.collect()

    def _begin_a_build(self) -> None:
        """A build that does not end by itself."""
        folder = self.person.home / "lasting"
        folder.mkdir(exist_ok=True)
        (folder / "Procfile").write_text("web: sleep 1000\n")
        words = ("-y", "--no-check", "--no-wait", "--name", "lasting")
        done = self.person.inv("deploy", *words, folder=folder)
        assert done.code == 0, done.err

    def _called(self, program: str, name: str, words: list[str], stdin: str) -> tuple[int, str]:
        with debugged() as log:
            if program == INV:
                line = [name, *words]
                done = self.person.run(line, program, stdin=stdin, folder=self.folder)
            else:
                module = program.removeprefix("de-").replace("-", "_")
                hook = importlib.import_module(f"de_tasks.githooks.{module}")
                done = self.person.call(lambda: hook.main(words), stdin, self.folder)
        return done.code, done.out + done.err + log.getvalue()

    def _started(self, program: str, name: str, words: list[str], stdin: str) -> tuple[int, str]:
        # invoke's own debug output has all that is printed besides.
        first = [program, "--debug", name] if program == INV else [program]
        done = subprocess.run(
            [str(PROGRAMS / first[0]), *first[1:], *words],
            cwd=self.folder,
            env=self.environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    def _interrupted(self, words: list[str]) -> tuple[int, str]:
        """`run`, ended by Ctrl-C when the app is there; 0 when that went well."""
        procfile = self.folder / "Procfile"
        before = procfile.read_text()
        procfile.write_text("web: echo ready; sleep 60\n")
        with subprocess.Popen(
            [str(PROGRAMS / INV), "--debug", "run", *words],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as child:
            assert child.stdout
            seen = ""
            for line in child.stdout:
                seen += line
                if line.startswith("ready"):
                    # Long enough to be looked at.
                    time.sleep(0.1)
                    child.send_signal(signal.SIGINT)
        procfile.write_text(before)
        return (0 if child.returncode == 130 else child.returncode or 1), seen

    def environment(self) -> dict[str, str]:
        """What programs of ours are started with."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.person.home)}
        found = {**own, "DASH_ENTERPRISE_HOST": self.person.host, **self.person.environment}
        return {name: value for name, value in found.items() if value}

    def collect(self) -> None:
        """Remember whatever must not be seen, as far as it exists at this moment."""
        self.canaries |= {
            self.key,
            *map(backstage(self.running).password, ("admin", "dev", "viewer")),
        } - {""}
        file = self.person.home / ".dash_enterprise" / "credentials.json"
        hosts = json.loads(file.read_text()).get("hosts", {}) if file.exists() else {}
        for login in hosts.values():
            self.canaries |= {login["access_token"], login["refresh_token"]}

    def collect_addresses(self) -> None:
        """The same for the addresses of databases, as the app's variables have them."""
        query = "{ apps { apps { environmentVariables { name value } } } }"
        answer = requests.post(
            f"{self.running.url}/Manager/graphql",
            json={"query": query},
            auth=("dev", self.key),
            timeout=30,
            verify=self.running.ca_path or True,
        )
        apps = answer.json()["data"]["apps"]["apps"]
        for variable in [v for app in apps for v in app["environmentVariables"]]:
            if variable["name"] in ("REDIS_URL", "DATABASE_URL"):
                word = urlsplit(variable["value"]).password
                assert word
                self.canaries |= {variable["value"], word}

    def clean(self, files: list[tuple[Path, bytes]]) -> None:
        """No file has a secret but those that are for it, and these nobody else can read."""
        for path, data in files:
            if path.name in MEANT or ".sqlite3" in path.name:
                continue
            assert not [c for c in self.canaries if c.encode() in data], path
        folders = {self.person.home / ".dash_enterprise", self.running.data}
        for path, _ in files:
            if path.name in MEANT - {"secrets.env"} and path.exists():
                assert path.stat().st_mode & 0o777 == 0o600
        assert {f.stat().st_mode & 0o777 for f in folders if f.exists()} <= {0o700}

    def files(self) -> list[tuple[Path, bytes]]:
        """Every file that is there now."""
        return list(contents(self.person.home.parent))


@contextmanager
def debugged() -> Iterator[io.StringIO]:
    """What every library has to log, as `inv --debug` switches it on."""
    text, root = io.StringIO(), logging.getLogger()
    level, handler = root.level, logging.StreamHandler(text)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@contextmanager
def staged(folder: Path, options: str, environment: dict[str, str]) -> Iterator[Stage]:
    """A stage in the folder of an app, with a sandbox that was started with these options."""
    (folder / "tasks.py").write_text("from de_tasks import ns\n")
    (folder / ".gitignore").write_text("secrets.env\n__pycache__/\n")
    (folder / "secrets.env").write_text(f"FROM_FILE={VALUE}\n")
    home = folder.parent / "home"
    home.mkdir()
    variables = {
        "BROWSER": "true",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "INVOKE_DE_KEYFILE": "",
        "INVOKE_DE_APPS": ".",
        "INVOKE_DE_HOOKS_YES": "1",
        # Nobody needs it, since there is no user name beside it.
        "DASH_ENTERPRISE_PASSWORD": GIVEN,
    }
    person = Person(home, "", variables, browses=True)
    # The one place where passwords are shown; what it prints is not searched.
    line = f"sandbox.start --port 0 --no-login --rate-limit-points 100000 {options}"
    done = person.run(line, INV)
    assert done.code == 0, done.err
    running = control.find(home / ".local/share/de-tasks/sandbox")
    assert running
    person.host = running.url
    try:
        repository = Repository.make(folder)
        made = Stage(person, folder, running, repository)
        made.key = str(control.administer(running, "api-key", {"username": "dev"})["key"])
        for file in (running.data / "tls").glob("*.key"):
            made.canaries.add(file.read_text().splitlines()[1])
        person.environment |= environment
        if "DASH_ENTERPRISE_USERNAME" in environment:
            variables["DASH_ENTERPRISE_PASSWORD"] = backstage(running).password("dev")
            # Every call of `de` signs in anew.
            backstage(running).hash_cheaply("dev")
        repository.git("checkout", "-q", "-b", "feature")
        change = (folder / "wsgi.py").read_text().replace('"one"', '"two"')
        (folder / "wsgi.py").write_text(change)
        repository.commit("second")
        repository.git("checkout", "-q", "main")
        repository.git("push", "-q", "origin", "main", "feature")
        yield made
    finally:
        if control.find(running.data):
            control.stop(running)
