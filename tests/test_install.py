"""Installed as people install it: the client alone, on each Python that is claimed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from de_tasks.server import pipconf
from de_tasks.server.environments import BuildError, find_python
from tests.conftest import Cli

ROOT = Path(__file__).resolve().parent.parent


def python(version: str) -> str:
    """An interpreter of that version, or the test is skipped."""
    try:
        return find_python(version, lambda _: None)
    except BuildError as missing:
        pytest.skip(str(missing))


def install(folder: Path, version: str, what: str) -> Path:
    """A virtual environment with the package; returns its folder of programs."""
    environment = {**os.environ, **pipconf.uv_environment(os.environ)}
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    venv = folder / f"venv-{version}"
    for command in (
        ["venv", "--quiet", "--python", python(version), str(venv)],
        ["pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), what],
    ):
        subprocess.run(
            [find_uv_bin(), *command], cwd=ROOT, env=environment, check=True, timeout=300
        )
    return venv / "bin"


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_client_alone_deploys(version: str, cli: Cli, wsgi: Path, tmp_path: Path) -> None:
    programs = install(tmp_path, version, ".")
    inv = str(programs / "inv")
    done = cli.run("deploy", "-y", "--name", f"from-{version.replace('.', '-')}", program=inv,
                   folder=wsgi)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is live after" in done.stdout
    refused = cli.run("sandbox.start", folder=wsgi, program=inv)
    assert refused.returncode == 2 and "pip install 'de-tasks[sandbox]'" in refused.stderr
    assert cli.run("--version", program=str(programs / "de-tasks")).stdout.startswith("de-tasks, ")
    module = [str(programs / "python"), "-m", "de_tasks", "--version"]
    assert subprocess.run(module, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_sandbox_runs_on(version: str, wsgi: Path, tmp_path: Path) -> None:
    inv = str(install(tmp_path, version, ".[sandbox]") / "inv")
    cli = Cli(tmp_path, "")
    started = cli.run("sandbox.start", "--port", "0", program=inv)
    assert started.returncode == 0, started.stderr
    try:
        done = cli.run("deploy", "-y", folder=wsgi, program=inv)
        assert done.returncode == 0, done.stderr
    finally:
        assert cli.run("sandbox.stop", program=inv).stdout == "The sandbox has stopped.\n"
