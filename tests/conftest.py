"""A real sandbox for the tests, and `inv` as a person runs it."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from de_tasks.server import control
from tests.attacker import genuine, keeper, signed_in
from tests.support.desk import Desk
from tests.support.disks import small_disk
from tests.support.gitserver import serve
from tests.support.people import People, passwords, run_program, surroundings

INV = str(Path(sys.executable).with_name("inv"))
WSGI = """
import json, os, time
VERSION = "one"
def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    print("asked for", path, flush=True)
    if path == "/env":
        return [json.dumps(sorted(os.environ)).encode()]
    if path == "/slow":
        time.sleep(1)
    return [f"hello {VERSION}".encode()]
"""


def pytest_configure() -> None:
    """Let interrupts be heard, also where a shell has begun the tests in the background; and
    leave the keyring of whoever runs them alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]


@dataclass
class Cli:
    """Runs `inv` with a home of its own, so that no test sees another's login."""

    home: Path
    host: str
    extra: dict[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str, folder: Path | None = None, stdin: str = "", program: str = INV
    ) -> subprocess.CompletedProcess[str]:
        """The finished process, its output as text."""
        where, environment = self._prepare(folder)
        return subprocess.run(
            [program, *arguments],
            cwd=where,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def begin(
        self, *arguments: str, folder: Path | None = None, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """The process, running, in a session of its own."""
        where, environment = self._prepare(folder)
        return subprocess.Popen(
            [INV, *arguments],
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )

    def _prepare(self, folder: Path | None) -> tuple[Path, dict[str, str]]:
        where = folder or self.home
        if not (where / "tasks.py").exists():
            (where / "tasks.py").write_text("from de_tasks import ns\n")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "DASH_ENTERPRISE_HOST": self.host,
            **self.extra,
        }
        return where, {name: value for name, value in environment.items() if value}

    def log_in(self, running: control.Running, user: str = "dev") -> None:
        """Log a user of the sandbox in."""
        done = self.run(
            "login", "--username", user, "--password-stdin", stdin=passwords(running)[user] + "\n"
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox on a free port, for all tests of a worker."""
    options: dict[str, int | str] = {
        "port": control.free_port(),
        "start_timeout": 8,
        "rate_limit_points": 100_000,
        # Wrong passwords of all tests come from one address.
        "sign_in_failures": 100_000,
        # Most tests are about something else, and ask for pages as nobody.
        "view_access": "unauthenticated",
    }
    data = tmp_path_factory.mktemp("sandbox")
    share_packages(data, tmp_path_factory)
    running = control.start(data, options, allow_mount=[data / "shared"])
    yield running
    control.stop(running)


def share_packages(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the sandboxes of all workers fetch each package once; uv's cache is made for that."""
    (data / "environments").mkdir()
    shared = shared_folder(tmp_path_factory, "uv-cache")
    (data / "environments" / "uv-cache").symlink_to(shared)


def shared_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all workers have in common."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the detector of secrets keeps its rules, which take it 5 s of work to make ready."""
    return shared_folder(tmp_path_factory, "rules")


@pytest.fixture(scope="session")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox to attack: little patience, and small limits."""
    options: dict[str, int | str] = {
        "port": control.free_port(),
        "start_timeout": 8,
        "rate_limit_points": 5000,
        "patience": 2,
        "sign_in_failures": 3,
        "push_limit": 20 * 1024**2,
    }
    running = control.start(tmp_path_factory.mktemp("fortress"), options)
    # Before anybody guesses at their passwords, which keeps them from signing in for a while.
    genuine(running)
    keeper(running)
    for user, purpose in (("admin", "manage"), ("admin", "visit"), ("viewer", "visit")):
        signed_in(running, user, purpose)
    yield running
    control.stop(running)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox that serves TLS; who may open its apps is as in `sandbox`."""
    data = tmp_path_factory.mktemp("tls")
    share_packages(data, tmp_path_factory)
    port, access = control.free_port(), "unauthenticated"
    running = control.start(data, {"port": port, "tls": True, "view_access": access})
    yield running
    control.stop(running)


@pytest.fixture(scope="session")
def people(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> People:
    """The users of the sandbox, each logged in with a home of their own."""
    return People(sandbox, tmp_path_factory.mktemp("people"))


@pytest.fixture
def cli(sandbox: control.Running, tmp_path: Path) -> Cli:
    """`inv`, logged in as dev."""
    home = tmp_path / "home"
    home.mkdir()
    made = Cli(home, sandbox.url)
    made.log_in(sandbox)
    return made


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `inv` and `de-tasks` run in this process: for tests of what they do, not of their start.

    Ask for it with `pytestmark`, so that it comes before the login.
    """
    started = Cli.run

    def run(
        cli: Cli, *arguments: str, folder: Path | None = None, stdin: str = "", program: str = INV
    ) -> subprocess.CompletedProcess[str]:
        name = Path(program).name
        if name not in ("inv", "de-tasks"):
            return started(cli, *arguments, folder=folder, stdin=stdin, program=program)
        where, environment = cli._prepare(folder)
        # Where a program of its own would keep it: which keyring there is, this process knows.
        login = {"INVOKE_DE_KEYFILE": str(cli.home / ".dash_enterprise" / "credentials.json")}
        out, err = io.StringIO(), io.StringIO()
        with surroundings(where, login | environment, stdin, out, err):
            code = run_program(name, arguments, own_tasks=name == "inv")
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    monkeypatch.setattr(Cli, "run", run)


@pytest.fixture
def stranger(sandbox: control.Running, tmp_path: Path) -> Cli:
    """`inv`, logged in nowhere."""
    home = tmp_path / "stranger"
    home.mkdir()
    return Cli(home, sandbox.url)


@pytest.fixture
def wsgi(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of a small app that is no Dash app; its name is that of the test."""
    test: str = request.node.name.removeprefix("test_").split("[")[0]
    name = test.replace("_", "-")[:24].strip("-")
    folder = tmp_path / name
    folder.mkdir()
    (folder / "wsgi.py").write_text(WSGI)
    (folder / "Procfile").write_text("web: gunicorn wsgi:application --threads 4\n")
    (folder / "requirements.txt").write_text("gunicorn\n")
    return folder


@pytest.fixture
def quick(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of an app that needs nothing and starts at once; named after the test."""
    test: str = request.node.name.removeprefix("test_").split("[")[0]
    folder = tmp_path / test.replace("_", "-")[:28].strip("-")
    folder.mkdir()
    (folder / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
    return folder


@pytest.fixture
def page(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of an app that needs nothing and says `hello one`; no other has its name, not
    even that of the same test run again."""
    test: str = request.node.name.removeprefix("test_").split("[")[0]
    folder = tmp_path / f"{test.replace('_', '-')[:18].strip('-')}-{secrets.token_hex(2)}"
    folder.mkdir()
    (folder / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
    (folder / "index.html").write_text("hello one")
    return folder


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A folder, an empty cache and a git server, without a platform."""
    (tmp_path / "work" / "app").mkdir(parents=True)
    (tmp_path / "served").mkdir()
    with serve(tmp_path / "served") as server:
        yield Desk(server, tmp_path / "work" / "app", tmp_path / "cache")


@pytest.fixture(scope="session")
def namespaces(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where this user may not mount a file system of its own."""
    folder = tmp_path_factory.mktemp("mount")
    if not shutil.which("unshare") or small_disk(folder, ["true"], "1m").returncode:
        pytest.skip("this machine lets no user mount a small disk")
