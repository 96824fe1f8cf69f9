"""A real sandbox for the tests, and `inv` as a person runs it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import keyring
import pytest
from filelock import FileLock
from keyring.backends import fail

from de_tasks.project.checks import secrets
from de_tasks.server import control
from de_tasks.terminal.commands import speak_as
from tests.support import leftovers, order, ports, selection, wheelhouse
from tests.support.addresses import here
from tests.support.apps import SERVER, WSGI, app_folder
from tests.support.desk import Desk
from tests.support.disks import small_disk
from tests.support.foundry import Foundry
from tests.support.gitserver import serve
from tests.support.people import People, Person
from tests.support.report import Report, needs
from tests.support.workflows import Runner


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what `make quick` asks for."""
    parser.addoption("--quick", action="store_true", help="only tests that start no sandbox")


def pytest_configure(config: pytest.Config) -> None:
    """Let interrupts be heard, also where a shell has begun the tests in the background; and
    leave the keyring of whoever runs them alone."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Some images set it: each of the many programs would compile all that it imports anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    # How long an example takes to make or to run says what else the machine does.
    profile = hypothesis.settings(
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
        max_examples=20 if config.getoption("quick") else 100,
    )
    hypothesis.settings.register_profile("any machine", profile)
    hypothesis.settings.load_profile("any machine")
    control.launch = Foundry().launch  # type: ignore[assignment]
    if config.getoption("quick"):
        selection.forbid_sandboxes()
    if not is_worker(config):
        config.pluginmanager.register(Report(config))


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one."""
    return hasattr(config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the packages ready before anything starts; workers inherit the way to them."""
    config = session.config
    os.environ["FAKE_DE_PYTHON"] = sys.executable
    if is_worker(config) or config.getoption("collectonly"):
        return
    if config.getoption("quick"):
        os.environ.update(wheelhouse.NOTHING)
        return
    try:
        wheelhouse.use(wheelhouse.fill())
    except RuntimeError as error:
        pytest.exit(f"Packages for the tests, which the first run fetches: {error}", returncode=4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--quick` does not ask for; of a whole run, begin with what takes long."""
    if config.getoption("quick"):
        selection.keep_quick(config, items)
    elif is_worker(config):
        order.long_first(items, config.workerinput["workercount"])  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Let no collection of garbage go through thousands of tests again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def own_address() -> None:
    """Let each test come from an address of its own, so that its failures count for it alone."""
    here.move()


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    """Let each test find the process as the others did, and fail one that leaves it changed."""
    speak_as("inv")
    before = leftovers.state()
    yield
    left = leftovers.changed(before)
    assert not left, f"This test leaves the process changed: {', '.join(left)}"


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
    running = control.start(data, options, allow_mount=[data / "shared"])
    yield running
    control.stop(running)


def shared_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all workers have in common."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is published, built once for all workers."""
    folder = shared_folder(tmp_path_factory, "wheel")
    with FileLock(folder / "lock"):
        if not list(folder.glob("*.whl")):
            build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder)]
            subprocess.run([*build, str(wheelhouse.ROOT)], check=True, timeout=180)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def packages() -> None:
    """What is in the wheelhouse; `--quick`, which leaves out the tests that need it, has none."""


@pytest.fixture(scope="session")
def detector(packages: None) -> str:
    """What looks for secrets; its rules are in the wheelhouse."""
    if found := secrets.program():
        return found
    return pytest.skip(needs("kingfisher is not installed", "pip install 'de-tasks[secrets]'"))


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox that serves TLS; who may open its apps is as in `sandbox`."""
    data = tmp_path_factory.mktemp("tls")
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
def runner(dev: Person, tmp_path: Path) -> Iterator[Runner]:
    """A runner of a CI system that acts as `dev`; it keeps no login."""
    made = Runner.of(dev, tmp_path / "runner")
    yield made
    assert not (made.home / ".dash_enterprise").exists()


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
        pytest.skip(
            needs("no user may mount a small disk", "allow user namespaces (unshare --user)")
        )
