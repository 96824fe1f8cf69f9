"""Installed as people install it, on each Python that is claimed: the client, then the sandbox."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from de_tasks.server import pipconf
from de_tasks.server.environments import BuildError, find_python
from tests.support.people import Person

ROOT = Path(__file__).resolve().parent.parent


def python(version: str) -> str:
    """An interpreter of that version, or the test is skipped."""
    try:
        return find_python(version, lambda _: None)
    except BuildError as missing:
        pytest.skip(str(missing))


def uv(*arguments: str) -> None:
    environment = {**os.environ, **pipconf.uv_environment(os.environ)}
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    subprocess.run([find_uv_bin(), *arguments], cwd=ROOT, env=environment, check=True, timeout=300)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The package as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return str(built)


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_client_alone_deploys_and_then_the_sandbox_runs(
    version: str, wheel: str, dev: Person, page: Path, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    programs = venv / "bin"
    uv("venv", "--quiet", "--python", python(version), str(venv))
    uv("pip", "install", "--quiet", "--python", str(programs / "python"), wheel)
    inv = str(programs / "inv")
    done = dev.spawn("deploy", "-y", folder=page, program=inv)
    assert done.code == 0 and "is live after" in done.out, done.err
    refused = dev.spawn("sandbox.start", folder=page, program=inv)
    assert refused.code == 2 and "pip install 'de-tasks[sandbox]'" in refused.err
    assert dev.spawn("--version", program=str(programs / "de-tasks")).out.startswith("de-tasks, ")
    module = [str(programs / "python"), "-m", "de_tasks", "--version"]
    assert subprocess.run(module, capture_output=True, check=True, timeout=60).stdout
    # The sandbox starts at 3.11; that one runs in every other test.
    if version in ("3.12", "3.13"):
        uv("pip", "install", "--quiet", "--python", module[0], f"{wheel}[sandbox]")
        sandbox_runs(Person(tmp_path, ""), inv, page)


def sandbox_runs(dev: Person, inv: str, folder: Path) -> None:
    started = dev.spawn("sandbox.start", "--port", "0", program=inv)
    assert started.code == 0, started.err
    try:
        done = dev.spawn("deploy", "-y", folder=folder, program=inv)
        assert done.code == 0, done.err
    finally:
        assert dev.spawn("sandbox.stop", program=inv).out == "The sandbox has stopped.\n"
