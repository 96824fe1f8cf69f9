"""A real sandbox for the tests, and `inv` as a person runs it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from de_tasks.server import control
from tests.support import ports
from tests.support.addresses import here
from tests.support.apps import SERVER, WSGI, app_folder
from tests.support.desk import Desk
from tests.support.disks import small_disk
from tests.support.gitserver import serve
from tests.support.people import People, Person


def pytest_configure() -> None:
    """Let interrupts be heard, also where a shell has begun the tests in the background; and
    leave the keyring of whoever runs them alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def own_address() -> None:
    """Let each test come from an address of its own, so that its failures count for it alone."""
    here.move()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox for all tests of a worker, which have users of their own there."""
    options: dict[str, int | str] = {
        "port": 0,
        "rate_limit_points": 100_000,
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
        "port": 0,
        "start_timeout": 8,
        "rate_limit_points": 5000,
        "patience": 2,
        "sign_in_failures": 3,
        "push_limit": 20 * 1024**2,
    }
    running = control.start(tmp_path_factory.mktemp("fortress"), options)
    yield running
    control.stop(running)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox that serves TLS; who may open its apps is as in `sandbox`."""
    data = tmp_path_factory.mktemp("tls")
    share_packages(data, tmp_path_factory)
    running = control.start(data, {"port": 0, "tls": True, "view_access": "unauthenticated"})
    yield running
    control.stop(running)


@pytest.fixture
def people(sandbox: control.Running, tmp_path: Path) -> People:
    """Users of the sandbox, of this test alone, each with a home."""
    return People(sandbox, tmp_path / "people")


@pytest.fixture(scope="module")
def cast(sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory) -> People:
    """Users of the sandbox for what the tests of a module have in common."""
    return People(sandbox, tmp_path_factory.mktemp("cast"))


@pytest.fixture
def dev(people: People) -> Person:
    """Somebody with a seat, logged in."""
    return people["dev"]


@pytest.fixture
def nobody(sandbox: control.Running, tmp_path: Path) -> Person:
    """Somebody who is logged in nowhere."""
    home = tmp_path / "nobody"
    home.mkdir()
    return Person(home, sandbox.url)


@pytest.fixture
def wsgi(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of a small app that is no Dash app."""
    run = "web: gunicorn wsgi:application --threads 4\n"
    files = {"wsgi_py": WSGI, "Procfile": run, "requirements_txt": "gunicorn\n"}
    return app_folder(tmp_path, request.node.name, **files)


@pytest.fixture
def quick(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of an app that needs nothing and starts at once."""
    return app_folder(tmp_path, request.node.name, Procfile=SERVER)


@pytest.fixture
def page(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of an app that needs nothing and says `hello one`."""
    return app_folder(tmp_path, request.node.name, Procfile=SERVER, index_html="hello one")


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this test alone, also while nobody listens on it."""
    with ports.held() as number:
        yield number


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Path]:
    """A file whose end apps wait for. It is gone after the test, so that no build lasts."""
    file = tmp_path / "hold"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


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
