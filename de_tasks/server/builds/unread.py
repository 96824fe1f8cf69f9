"""What stands in an app's folder and has no effect on the sandbox: named, with what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import tomllib
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from de_tasks.appspec import LOCKS, Procfile, read_text
from de_tasks.errors import UsageError

REQUIREMENTS = "requirements.txt"
PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))
LOCKED = {**LOCKS, "Pipfile": f"pipenv lock && {LOCKS['Pipfile.lock']}"}
CONDA = ("environment.yml", "environment.yaml")
DOCKER = ("Dockerfile", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml")
SYSTEM = ("Aptfile", "apt-packages")
VERSION_4 = {
    "app.json": "its scripts are not run, and its health checks not made",
    "CHECKS": "a release is live as soon as web answers GET /",
    "DOKKU_SCALE": "say how many of each process with the API's scaleProcesses",
}


def unread(folder: Path) -> Iterator[str]:
    """A sentence for each file, and for each line of the Procfile, that is passed over."""
    there = {path.name for path in folder.iterdir() if path.is_file()}
    yield from _release(folder)
    yield from _python(folder, there)
    yield from _dependencies(folder, there)
    for name in DOCKER:
        if name in there:
            yield (
                f"{name} is not built here: the app is built from requirements.txt and Procfile. "
                "Write what it installs into requirements.txt"
            )
    for name in SYSTEM:
        if name in there:
            yield f"{name} is not read here: install what it names on this machine"
    yield from (
        f"{name} is not read here: {why}" for name, why in VERSION_4.items() if name in there
    )
    for kind, script in _scripts(folder, there):
        yield (
            f"{kind} of project.toml is not run here: start what the app needs in its Procfile, as "
            f"in 'web: {script} && gunicorn app:server'"
        )


def _release(folder: Path) -> Iterator[str]:
    commands = Procfile.read(folder).commands
    if command := commands.get("release"):
        yield (
            f"release: is not run here: {command}. To run it before the app starts, write 'web: "
            f"{command} && {commands['web']}'"
        )


def _python(folder: Path, there: set[str]) -> Iterator[str]:
    if ".python-version" not in there:
        yield from _required_python(folder, there)
        return
    what = ".python-version is not read here"
    if "runtime.txt" in there:
        yield f"{what}: Python is the one of runtime.txt"
        return
    version = None
    with suppress(UsageError):
        version = re.search(r"\d+\.\d+", _text(folder, ".python-version"))
    example = f"python-{version[0]}" if version else "python-3.11"
    yield f"{what}: write '{example}' into runtime.txt"


def _required_python(folder: Path, there: set[str]) -> Iterator[str]:
    if "runtime.txt" in there or "pyproject.toml" not in there:
        return
    project = _table(folder, "pyproject.toml").get("project")
    wanted = project.get("requires-python") if isinstance(project, dict) else None
    own = "{}.{}".format(*sys.version_info)
    with suppress(InvalidSpecifier):
        found = SpecifierSet(wanted) if isinstance(wanted, str) else SpecifierSet()
        if not any(found.contains(f"{own}.{patch}") for patch in (0, 99)):
            likely = [v for v in PYTHONS if found.contains(f"{v}.0") or found.contains(f"{v}.99")]
            example = f": write 'python-{likely[0]}' into runtime.txt" if likely else ""
            yield f"pyproject.toml asks for Python {wanted}, and this one is {own}{example}"


def _dependencies(folder: Path, there: set[str]) -> Iterator[str]:
    wanted = "name its packages in requirements.txt"
    if REQUIREMENTS in there:
        wanted = "packages come from requirements.txt alone"
    for name in CONDA:
        if name in there:
            yield f"{name} is not built here: {wanted}"
    locks = [name for name in LOCKED if name in there]
    if "Pipfile.lock" in locks and "Pipfile" in locks:
        locks.remove("Pipfile")
    for name in locks:
        remedy = wanted if REQUIREMENTS in there else f"write requirements.txt with {LOCKED[name]}"
        yield f"{name} is not read here: {remedy}"
    if not locks and "pyproject.toml" in there and REQUIREMENTS not in there:
        tools = _table(folder, "pyproject.toml").get("tool")
        command = "uv pip compile pyproject.toml -o requirements.txt"
        if isinstance(tools, dict) and "poetry" in tools:
            command = f"poetry lock && {LOCKS['poetry.lock']}"
        yield f"pyproject.toml is not read here: write requirements.txt with {command}"


def _scripts(folder: Path, there: set[str]) -> Iterator[tuple[str, str]]:
    scripts = _table(folder, "project.toml").get("scripts") if "project.toml" in there else None
    for kind, command in scripts.items() if isinstance(scripts, dict) else ():
        if kind in ("predeploy", "postdeploy") and isinstance(command, str) and command.strip():
            yield kind, f"bash {command}" if command.endswith(".sh") else command


def _table(folder: Path, name: str) -> dict[str, object]:
    """A TOML file, empty where it cannot be read: what is wrong with it, check says."""
    try:
        return tomllib.loads(_text(folder, name))
    except (UsageError, tomllib.TOMLDecodeError, RecursionError):
        return {}


def _text(folder: Path, name: str) -> str:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{name} is a link that leaves the app's folder.")
    return read_text(path)
