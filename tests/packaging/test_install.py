"""Installed as people install it: each promised Python, the lowest versions and the newest."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tomllib
from uv import find_uv_bin

from tests.support import wheelhouse
from tests.support.people import Person

pytestmark = pytest.mark.slow
SANDBOX = [version for version in wheelhouse.PYTHONS if version != "3.10"]
"""The Pythons that the sandbox runs on; the client alone runs on the other one."""


def uv(*arguments: str, stdin: str = "") -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    command = [find_uv_bin(), *arguments]
    subprocess.run(command, env=environment, input=stdin, text=True, check=True, timeout=300)


def install(wheel: Path, folder: Path, python: str, *extras: str, lowest: bool = False) -> str:
    """Install the wheel into an environment of its own; returns the folder of its programs."""
    uv("venv", "--quiet", "--python", python, str(folder))
    programs = str(folder / "bin")
    # What is named is direct, and only of that the lowest version is taken.
    direct = f"{wheel}\n{wheelhouse.promised(*extras)}" if lowest else named(wheel, *extras)
    resolution = "lowest-direct" if lowest else "highest"
    options = ("--quiet", "--python", f"{programs}/python", "--resolution", resolution)
    uv("pip", "install", *options, "--requirement", "-", stdin=direct)
    return programs


def named(wheel: Path, *extras: str) -> str:
    """The wheel as a requirement."""
    return f"de-tasks[{','.join(extras)}] @ {wheel.as_uri()}"


def main_job(person: Person, inv: str, folder: Path) -> None:
    """Deploy an app, look at it from all sides, and ask it."""
    deployed = person.spawn("deploy", "-y", program=inv, folder=folder)
    assert deployed.code == 0 and "is live after" in deployed.out, deployed.err
    (url,) = set(re.findall(rf"http://\S+/{folder.name}/", deployed.out))
    with urllib.request.urlopen(f"{url}index.html", timeout=30) as answer:
        assert answer.read() == b"hello one"
    # In one start, which is most of what they cost.
    seen = person.spawn("status", "open", "logs", "history", program=inv, folder=folder)
    assert seen.code == 0, seen.err
    status, _, rest = seen.out.partition(f"\n{url}\n")
    logs, _, history = rest.partition("NUMBER")
    assert "web running" in status, seen.out
    assert "GET /index.html " in logs and person.name in history, seen.out


@contextmanager
def own_sandbox(inv: str, home: Path) -> Iterator[Person]:
    """The sandbox of an installation, with dev logged in by password."""
    person = Person(home, "", name="dev")
    options = ("--port", "0", "--data", str(home / "data"), "--view-access", "unauthenticated")
    started = person.spawn("sandbox.start", "--no-login", *options, program=inv)
    assert started.code == 0, started.err
    try:
        person.host = started.out.strip()
        word = json.loads((home / "data" / "passwords.json").read_text())["dev"]
        words = ("login", "--username", "dev", "--password-stdin")
        done = person.spawn(*words, stdin=word, program=inv)
        assert done.code == 0, done.err
        yield person
    finally:
        stopped = person.spawn("sandbox.stop", "--data", str(home / "data"), program=inv)
        assert stopped.out == "The sandbox has stopped.\n", stopped.err


@pytest.mark.parametrize("version", wheelhouse.PYTHONS)
def test_promised_python_runs_the_main_job(
    version: str, wheel: Path, dev: Person, page: Path, tmp_path: Path
) -> None:
    if not (python := wheelhouse.python_for(version)):
        return passes_the_type_checker(version)
    extras = ("sandbox",) if version in SANDBOX else ()
    programs = install(wheel, tmp_path / "venv", python, *extras)
    inv = f"{programs}/inv"
    module = [f"{programs}/python", "-m", "de_tasks", "--version"]
    assert subprocess.run(module, capture_output=True, check=True).stdout.startswith(b"de-tasks, ")
    if version not in SANDBOX:
        return main_job(dev, inv, page)
    with own_sandbox(inv, tmp_path) as person:
        main_job(person, inv, page)


def passes_the_type_checker(version: str) -> None:
    """What can be said of a Python that is not on this machine."""
    command = [sys.executable, "-m", "mypy", "--python-version", version, "de_tasks"]
    done = subprocess.run(command, cwd=wheelhouse.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_lowest_versions_run_the_main_job(wheel: Path, page: Path, tmp_path: Path) -> None:
    python = wheelhouse.required("3.11")
    programs = install(wheel, tmp_path / "venv", python, "sandbox", lowest=True)
    with own_sandbox(f"{programs}/inv", tmp_path) as person:
        main_job(person, f"{programs}/inv", page)


def test_client_alone_needs_little(wheel: Path, dev: Person, page: Path, tmp_path: Path) -> None:
    python = wheelhouse.required("3.10")
    programs = install(wheel, tmp_path / "venv", python, lowest=True)
    inv = f"{programs}/inv"
    main_job(dev, inv, page)
    checked = dev.spawn("check", program=inv, folder=page)
    assert checked.err == f"{page.name} can be deployed.\n"
    words = ("init", "-y", "--template", "wsgi", "--path", str(tmp_path / "new"))
    made = dev.spawn(*words, program=inv)
    assert made.code == 0 and (tmp_path / "new" / "Procfile").exists(), made.err
    assert dev.spawn("--help", program=f"{programs}/de-tasks").out.startswith("Usage: de-tasks")
    refused = dev.spawn("sandbox.start", program=inv)
    assert refused.code == 2 and 'pip install "de-tasks[sandbox]"' in refused.err


def test_all_promised_pythons_are_tried() -> None:
    project = tomllib.loads((wheelhouse.ROOT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: "
    named = {line.removeprefix(prefix) for line in project["classifiers"] if prefix in line}
    assert named == set(wheelhouse.PYTHONS)
