"""The packages that the tests install, fetched once for a checkout: no test asks an index.

uv installs from its cache and pip from a folder of wheels; both lie in `.wheels`, or where the
variable WHEELS says. An app of a test that needs another package needs a line in `APPS`.
Beside them are the rules of the detector of secrets, which takes ten times as long to make them
ready as to search with them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomllib
from filelock import FileLock
from uv import find_uv_bin

from de_tasks.errors import DeTasksError
from de_tasks.project.checks import secrets
from de_tasks.server.runtime import pip_settings
from de_tasks.server.runtime.environments import SETUPTOOLS
from de_tasks.server.runtime.pythons import AskedPython, find_python
from tests.support.places import ROOT
from tests.support.report import needs

APPS = (
    "gunicorn",
    "aiohttp",
    "dash-enterprise-auth gunicorn",
    "gunicorn redis pg8000",
    SETUPTOOLS,
)
"""What apps of tests require, beside what the templates do."""
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that sandboxes run apps with."""
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
"""Those that the package promises; `test_install.py` compares them with its metadata."""
RULES = "KF_RULE_CACHE_DIR"
"""The variable that says where the detector of secrets keeps its rules."""
NOTHING = {"UV_NO_CACHE": "1", "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
"""Variables by which uv and pip have no packages, also where this machine has kept some."""
LOWEST = ("3.10", "3.11")
"""The oldest for the client and for the sandbox: where the lowest versions are installed."""


@dataclass(frozen=True)
class Wanted:
    """Requirements that are installed together, as lines."""

    requirements: str
    python: str = OWN
    resolution: str = "highest"

    def fetch(self, environment: dict[str, str]) -> None:
        """Let uv have them in its cache."""
        with tempfile.TemporaryDirectory(dir=environment["UV_CACHE_DIR"]) as target:
            command = [find_uv_bin(), "pip", "install", "--quiet", "--target", target]
            command += ["--python", python_for(self.python), "--resolution", self.resolution]
            run([*command, "--requirement", "-"], environment, self.requirements)


def wanted() -> list[Wanted]:
    """All that uv installs in tests."""
    templates = sorted(ROOT.glob("templates/*/requirements.txt"))
    apps = [*APPS, *(path.read_text() for path in templates)]
    found = [Wanted("\n".join(app.split(" "))) for app in [*apps, "hatchling"]]
    for version in filter(python_for, PYTHONS):
        found += [Wanted(promised(*extras), version) for extras in ((), ("sandbox",))]
    for version in filter(python_for, LOWEST):
        found.append(Wanted(promised("sandbox"), version, "lowest-direct"))
    return found


def promised(*extras: str) -> str:
    """What the package says that it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return "\n".join(line for lines in lists for line in lines)


def python_for(version: str) -> str:
    """An interpreter of that version, empty if this machine has none."""
    try:
        return find_python(AskedPython(version), lambda _: None)
    except DeTasksError:
        return ""


def required(version: str) -> str:
    """An interpreter of that version, or the test is skipped."""
    if not (found := python_for(version)):
        remedy = f"install it with pyenv, or as python{version}"
        pytest.skip(needs(f"Python {version} is not on this machine", remedy))
    return found


def fill() -> Path:
    """The wheelhouse, filled if that has not been done for this list; needs the network then.

    Raises `RuntimeError` with what pip or uv says.
    """
    base = Path(os.environ.get("WHEELS") or ROOT / ".wheels").resolve()
    base.mkdir(parents=True, exist_ok=True)
    tools = [f"{name} {importlib.metadata.version(name)}" for name in ("uv", "kingfisher-bin")]
    everything = [*wanted(), *tools, python_for(OWN)]
    house = base / hashlib.sha256(repr(everything).encode()).hexdigest()[:12]
    with FileLock(base / "lock"):
        if not (house / "complete").exists():
            shutil.rmtree(house, ignore_errors=True)
            (house / "uv").mkdir(parents=True)
            fetch(house)
            (house / "complete").touch()
    return house


def fetch(house: Path) -> None:
    """Resolve each list by itself, as an app's is, and fetch what it leads to."""
    environment = {**os.environ, **settings(house), "UV_OFFLINE": "0"}
    # Once before the threads: what it asks of sysconfig is not made for several at a time.
    find_uv_bin()
    # pre-commit builds and installs the package, with pip.
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(house / "pip")]
    pip += ["hatchling", *promised("secrets").splitlines()]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(run, pip, dict(os.environ))]
        jobs += [pool.submit(one.fetch, environment) for one in wanted()]
        jobs.append(pool.submit(make_rules, house))
        for job in jobs:
            job.result()


def make_rules(house: Path) -> None:
    """Let the detector of secrets look at nothing, so that it keeps its rules."""
    if detector := secrets.program():
        (nothing := house / "nothing").mkdir()
        (nothing / "empty.txt").touch()
        command = [detector, "scan", *secrets.OFFLINE, *secrets.QUIET, str(nothing)]
        run(command, {**os.environ, RULES: str(house / "rules")})


def run(command: list[str], environment: dict[str, str], stdin: str = "") -> None:
    """Run a command. The error of one that fails says what it said."""
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        name = " ".join(Path(word).name for word in command[:4])
        raise RuntimeError(f"{name}: {done.stderr.strip()[-600:]}")


def settings(house: Path) -> dict[str, str]:
    """The variables by which uv installs from its cache alone.

    They name the index of this machine still, since the cache does.
    """
    found = {"UV_NO_INDEX": "0", "UV_FIND_LINKS": "", **pip_settings.uv_environment(os.environ)}
    return {**found, "UV_CACHE_DIR": str(house / "uv"), "UV_OFFLINE": "1"}


def use(house: Path) -> None:
    """Lead every pip and uv that is started from here on to the wheelhouse."""
    os.environ.update(settings(house))
    os.environ[RULES] = str(house / "rules")
    # Most of what is installed is never imported: to compile all of it takes the longest.
    os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=(house / "pip").as_uri(), PIP_COMPILE="0")
    # It would look for a newer pip beside the test, for as long as the installation takes.
    os.environ["VIRTUALENV_NO_PERIODIC_UPDATE"] = "1"


def carried() -> dict[str, str]:
    """What programs with an environment of their own need of ours: the way to the wheelhouse, to
    the one that counts the lines that they run, and to the Python of the stand-in for `de`."""
    ours = ("PIP_", "UV_", "VIRTUALENV_", "COVERAGE_", "FAKE_DE_PYTHON", RULES)
    return {name: value for name, value in os.environ.items() if name.startswith(ours)}


if __name__ == "__main__":
    try:
        fill()
    except RuntimeError as problem:
        sys.exit(f"Packages for the tests, which the first run fetches: {problem}")
