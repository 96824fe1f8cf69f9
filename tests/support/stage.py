"""A sandbox behind a fault proxy, and a person who uses it."""

from __future__ import annotations

import secrets
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from unittest import mock

import trustme

from de_tasks.auth.store import Store
from de_tasks.net.retry import Policy
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.server import control
from tests.scenarios.soak.invariants import state
from tests.support.backstage import backstage
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Fault, refused
from tests.support.people import Person, log_in
from tests.support.platforms import platform_of

DEADLINE, ATTEMPTS = 35, 4
"""Seconds, for a busy machine but less than the minute of a limit that does not say how long it
lasts, and attempts of a command that meets a fault."""
STALL = 0.4
"""Seconds after which a command that meets a stall takes it for one. An attempt that takes as
long without one is made again, with all the time there is."""
ADDRESS = "127.0.0.1"
SERVER = """
import http.server, os
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
"""


@dataclass
class Stage:
    """Everything that a cell of the matrix needs."""

    running: control.Running
    proxy: FaultProxy
    person: Person
    folder: Path
    platform: GraphQLPlatform
    address: str
    authority: trustme.CA | None = None
    at_wait: Callable[[], None] = lambda: None
    """Called when a command begins to wait before it tries again."""
    _cells: int = 0

    @property
    def app(self) -> str:
        """The name of the app."""
        return self.folder.name

    def word(self) -> str:
        """A word that no other cell has."""
        self._cells += 1
        return f"{self.person.home.name}-{self._cells}"

    def edit(self) -> str:
        """Change the app's files; returns the message of the deploy to come."""
        message = f"change {self.word()}"
        (self.folder / "note.txt").write_text(message)
        return message

    def subjects(self, app: str = "") -> list[str]:
        """First lines of the messages of all commits that were deployed to an app, this one's
        if none is named."""
        return commits(self.running, app or self.app, "%s")

    def pushed(self, message: str) -> int:
        """How many commits that were deployed have that message."""
        return self.subjects().count(message)

    @contextmanager
    def patience(self, seconds: int, attempts: int) -> Iterator[None]:
        """Let the person try so long and so often meanwhile."""
        # Fleets wait without end for points.
        fleets = mock.patch("de_tasks.deployment.fleets.connections.WAIT_SECONDS", seconds)
        with mock.patch.dict(self.person.environment, patience(seconds, attempts)), fleets:
            yield

    def forget_points(self) -> None:
        """Let nobody remember a limit that another fault has told of."""
        shutil.rmtree(self.person.home / "cache" / "de-tasks" / "budget", ignore_errors=True)

    def expire(self) -> None:
        """Make the person's access token one that the server does not take."""
        self.expire_in(Store.at(self.person.home / "login.json"), self.person.host)

    @staticmethod
    def expire_in(store: Store, host: str) -> None:
        """Make the access token of a stored login one that the server does not take."""
        login = store.get(host)
        assert login
        store.put(replace(login, access_token=login.access_token[:-8] + "expired0"))

    def left_behind(self) -> list[str]:
        """Temporary files, and git's own locks, that a command did not take away."""
        home = self.person.home
        found = [*(home / "tmp").iterdir(), *home.rglob("*.partial"), *home.rglob("index.lock")]
        return [str(path) for path in found]

    def children(self) -> list[str]:
        """Commands of ours that still run."""
        found = []
        for task in Path("/proc/self/task").iterdir():
            # Threads of the proxy, and their children, end meanwhile.
            with suppress(OSError):
                for pid in (task / "children").read_text().split():
                    found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        return [line for line in found if line.startswith("git ")]


def commits(running: control.Running, app: str, form: str) -> list[str]:
    """All commits that were deployed to an app, the newest first, in a form of `git log`."""
    numbers = {name: number for number, name in state(running.data).apps.items()}
    if app not in numbers:
        return []
    repository = running.data / "git" / f"{numbers[app]}.git"
    line = ["git", "--git-dir", str(repository), "log", f"--format={form}", "--all"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.splitlines()


@contextmanager
def meeting(stage: Stage, fault: Fault, target: str, times: int = 1) -> Iterator[None]:
    """Let the next `times` requests that match meet a fault."""
    proxy, lasting = stage.proxy, times > 1

    def short(policy: Policy, passed: float) -> float:
        # What meets no stall may take its time, or a busy machine would fail it.
        return STALL if fault.stalls and (lasting or passed < STALL) else DEADLINE

    try:
        if fault.strike is refused:
            proxy.refuse()
            stage.at_wait = stage.at_wait if lasting else proxy.listen
        else:
            proxy.arm(fault.strike, "" if fault.connect else target, times, fault.connect)
        with mock.patch.object(Policy, "seconds", short):
            yield
    finally:
        stage.at_wait = lambda: None
        proxy.disarm()
        proxy.listen()


@contextmanager
def presenting(stage: Stage, kind: str) -> Iterator[None]:
    """Let the proxy show another certificate."""
    good = stage.proxy.tls
    assert stage.authority
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    certificate = {
        "expired": lambda: stage.authority.issue_cert(ADDRESS, not_before=past, not_after=past),
        "of another name": lambda: stage.authority.issue_cert("other.example"),
        "of an unknown authority": lambda: trustme.CA().issue_cert(ADDRESS),
    }[kind]()
    stage.proxy.tls = serving(certificate)
    try:
        yield
    finally:
        stage.proxy.tls = good


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def patience(seconds: int, attempts: int) -> dict[str, str]:
    """The settings for it, as variables."""
    values = {"RETRY_DEADLINE": seconds, "RETRY_ATTEMPTS": attempts}
    return {f"INVOKE_DE_{name}": str(value) for name, value in values.items()}


@contextmanager
def staged(
    running: control.Running, home: Path, authority: trustme.CA | None = None
) -> Iterator[Stage]:
    """A person, logged in through a proxy, with an app that is deployed; over TLS with an
    `authority` for the proxy's certificate."""
    (home / "tmp").mkdir(parents=True)
    folder = home / f"settled-{secrets.token_hex(2)}"
    folder.mkdir()
    (folder / "serve.py").write_text(SERVER)
    (folder / "Procfile").write_text("web: python serve.py\n")
    environment = {"TMPDIR": str(home / "tmp"), "XDG_CACHE_HOME": str(home / "cache")}
    environment |= patience(DEADLINE, ATTEMPTS)
    context = None
    if authority:
        authority.cert_pem.write_to_path(str(home / "authority.pem"))
        environment["DASH_ENTERPRISE_CA_PATH"] = str(home / "authority.pem")
        context = serving(authority.issue_cert(ADDRESS))
    with FaultProxy(running.url, context, ADDRESS).running() as proxy:
        person = log_in(running, backstage(running).add(), home, proxy.url)
        person.environment |= environment
        done = person.run("deploy -y", folder=folder)
        assert done.code == 0, done.err
        platform = platform_of(running, person.name)
        app = platform.app(folder.name)
        assert app
        yield Stage(running, proxy, person, folder, platform, app.url, authority)
