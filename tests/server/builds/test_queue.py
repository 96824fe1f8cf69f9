"""Builds end, whatever the disk and other people's builds do meanwhile."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from de_tasks.server import control
from de_tasks.server.alive import runs
from tests.scenarios.soak.api import Api, git
from tests.support.apps import SERVER, app_folder, held_back
from tests.support.people import Person
from tests.support.waiting import until

ADD = "mutation ($name: String) { addApp(name: $name) { error } }"
BUILDS = "query ($name: String!) { build(appname: $name) { status error log { lines { text } } } }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A sandbox whose disk may be full, asked by its user `dev`."""
    options: dict[str, int | str] = {"port": 0, "rate_limit_points": 10_000, "stop_grace": 1}
    running = control.start(tmp_path_factory.mktemp("small"), options)
    yield Api(running)
    control.stop(running)


@contextmanager
def full_disk(running: control.Running) -> Iterator[None]:
    """The server can write to no file."""
    before = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, before)


def push(api: Api, folder: Path, new: bool = True) -> None:
    """Push a folder to an app of its name, and do not wait for the build."""
    if new:
        assert api.change("addApp", ADD, name=folder.name) is None
        git(folder, "init", "--quiet", "-b", "master")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "deploy")
    api.push(folder, folder.name, wait=False)


def last(api: Api, folder: Path) -> tuple[str, str]:
    """State and log of the app's last build, empty before the first."""
    build = api.ask(BUILDS, name=folder.name)["build"]
    if build is None:
        return "", ""
    return build["status"], "\n".join(line["text"] for line in build["log"]["lines"])


def test_build_goes_on_after_a_moment_without_room(small: Api, hold: Path, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "roomless", Procfile=held_back(hold))
    push(small, folder)
    until(lambda: "Starting web" in last(small, folder)[1], "the app is started")
    with full_disk(small.running):
        hold.unlink()
        until(lambda: "could not build" in last(small, folder)[1], "the result is not written")
        assert last(small, folder)[0] == "building"
    until(lambda: last(small, folder)[0] == "built", "the build is tried again")


def test_build_says_what_it_waits_for(small: Api, hold: Path, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "waiting", Procfile=held_back(hold))
    push(small, folder)
    push(small, folder, new=False)
    until(lambda: "Waiting for build " in last(small, folder)[1], "the second waits")
    hold.unlink()
    until(lambda: last(small, folder)[0] == "built", "both are built")


@contextmanager
def opened(data: Path) -> Iterator[Api]:
    """A sandbox with that data, which may be killed meanwhile."""
    running = control.start(data, {"port": 0, "stop_grace": 1})
    try:
        yield Api(running)
    finally:
        if runs(running.pid):
            control.stop(running)


@pytest.mark.sandbox
def test_builds_of_a_killed_sandbox_are_built(hold: Path, tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "in-a-row", Procfile=held_back(hold))
    with opened(tmp_path / "data") as api:
        push(api, folder)
        push(api, folder, new=False)
        until(lambda: "Waiting for build " in last(api, folder)[1], "the second waits")
        os.kill(api.running.pid, signal.SIGKILL)
        until(lambda: not runs(api.running.pid), "the sandbox is gone")
    hold.unlink()
    with opened(tmp_path / "data") as api:
        until(lambda: last(api, folder)[0] == "built", "the second is built")


@pytest.mark.sandbox
def test_push_that_the_sandbox_was_not_told_of_is_built(tmp_path: Path) -> None:
    folder = app_folder(tmp_path, "untold", Procfile=SERVER)
    with opened(tmp_path / "data") as api:
        push(api, folder)
        until(lambda: last(api, folder)[0] == "built", "the first is built")
    (folder / "runtime.txt").write_text("python-2.7")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "second")
    # Git moves the branch before its hook tells of it; a sandbox may be killed between the two.
    (repository,) = (tmp_path / "data").glob("*/*.git")
    git(repository, "fetch", "--quiet", str(folder), "master:master")
    with opened(tmp_path / "data") as api:
        until(lambda: "runtime.txt" in last(api, folder)[1], "the second is built")


RUN = """release: echo migrate
web: source ./run.sh
"""
SERVE = 'echo "the value is $TOKEN"\nexec python -m http.server $PORT --bind 127.0.0.1\n'


def test_log_of_a_build_says_what_is_missing_and_no_secret(dev: Person, tmp_path: Path) -> None:
    app = '"""Reads a database."""\nimport os\nos.environ["REDIS_URL"]\n'
    folder = app_folder(tmp_path, "says", Procfile=RUN, run_sh=SERVE + "exit 3\n", app_py=app)
    (folder / ".python-version").write_text("3.11\n")
    assert dev.inv("create", folder=folder).code == 0
    added = ("--add-environment-variable", "TOKEN=quite/secret")
    assert dev.inv("update", *added, folder=folder).code == 0
    assert dev.inv("deploy", "-y", folder=folder).code == 0
    log = dev.inv("logs", "--type", "build", folder=folder).out
    assert (
        "release: runs as a process like any other" in log
        and ".python-version is not read here" in log
    )
    attach = f"services create --type redis --app-name {folder.name}"
    assert log.rstrip().endswith(attach), log
    (folder / "run.sh").write_text('echo "the value is $TOKEN"\nexit 3\n')
    assert dev.inv("deploy", "-y", folder=folder).code == 3
    log = dev.inv("logs", "--type", "build", folder=folder).out
    assert "the value is ****" in log and "quite/secret" not in log
    assert log.rstrip().endswith(attach), log


def test_release_in_an_old_folder_finds_nothing_of_the_old_one(
    dev: Person, sandbox: control.Running, tmp_path: Path
) -> None:
    once = "test ! -e own.txt && touch own.txt && exec python -m http.server $PORT"
    folder = app_folder(tmp_path, "recycles", Procfile=f"web: {once} --bind 127.0.0.1\n")
    (folder / folder.name).touch()
    seen: list[set[int]] = []

    def used_again() -> bool:
        (folder / "version.txt").write_text(str(len(seen)))
        assert dev.inv("deploy", "-y", folder=folder).code == 0
        places = sandbox.data.glob(f"apps/*/releases/*/{folder.name}")
        seen.append({place.parent.stat().st_ino for place in places})
        return len(seen) > 2 and not seen[-1] - seen[-2]

    until(used_again, "the folder of an earlier release is used again")
