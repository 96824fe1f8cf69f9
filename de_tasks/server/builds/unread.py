"""What stands in an app's folder and has no effect on the sandbox: named, with what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import tomllib
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from de_tasks.appspec import (
    CONDA,
    DOCKER,
    LOCKS,
    MADE_FROM,
    OTHER_VERSION,
    other_version,
    read_text,
)
from de_tasks.errors import UsageError

REQUIREMENTS = "requirements.txt"
PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))
LOCKED = {**LOCKS, "Pipfile": f"pipenv lock && {LOCKS['Pipfile.lock']}"}


def unread(folder: Path, version: int) -> Iterator[str]:
    """A sentence for each file that a build of the version passes over."""
    there = {path.name for path in folder.iterdir() if path.is_file()}
    yield from _others(folder, version, there)
    yield from _python(folder, version, there)
    yield from _dependencies(folder, there)
    for name in DOCKER:
        if name in there:
            yield (
                f"{name} is not built here: the app is built from requirements.txt and Procfile. "
                "Write what it installs into requirements.txt"
            )


def _others(folder: Path, version: int, there: set[str]) -> Iterator[str]:
    for name in OTHER_VERSION[version]:
        if name in there:
            runtime = ""
            with suppress(UsageError):
                runtime = _text(folder, name)
            place = other_version(version, name, runtime)
            yield f"{name} is not read on version {version}: {place}"


def _python(folder: Path, version: int, there: set[str]) -> Iterator[str]:
    if ".python-version" not in there:
        yield from _required_python(folder, version, there)
        return
    what = ".python-version is not read here"
    if version == 4 and "runtime.txt" in there:
        yield f"{what}: Python is the one of runtime.txt"
        return
    found = None
    with suppress(UsageError):
        found = re.search(r"\d+\.\d+", _text(folder, ".python-version"))
    yield f"{what}: {_ask_for(version, found[0] if found else '3.11')}"


def _ask_for(version: int, python: str) -> str:
    """How an app gets a Python on a version."""
    if version == 4:
        return f"write 'python-{python}' into runtime.txt"
    return f"set it with inv update --python-version {python}"


def _required_python(folder: Path, version: int, there: set[str]) -> Iterator[str]:
    if (version == 4 and "runtime.txt" in there) or "pyproject.toml" not in there:
        return
    project = _table(folder, "pyproject.toml").get("project")
    wanted = project.get("requires-python") if isinstance(project, dict) else None
    own = "{}.{}".format(*sys.version_info)
    with suppress(InvalidSpecifier):
        found = SpecifierSet(wanted) if isinstance(wanted, str) else SpecifierSet()
        if not any(found.contains(f"{own}.{patch}") for patch in (0, 99)):
            likely = [v for v in PYTHONS if found.contains(f"{v}.0") or found.contains(f"{v}.99")]
            example = f": {_ask_for(version, likely[0])}" if likely else ""
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
    made = ""
    with suppress(UsageError, OSError):
        made = _text(folder, REQUIREMENTS).partition("\n")[0]
    for name in locks:
        if made == MADE_FROM.format(name):
            continue
        remedy = wanted if REQUIREMENTS in there else f"write requirements.txt with {LOCKED[name]}"
        yield f"{name} is not read here: {remedy}"
    if not locks and "pyproject.toml" in there and REQUIREMENTS not in there:
        tools = _table(folder, "pyproject.toml").get("tool")
        command = "uv pip compile pyproject.toml -o requirements.txt"
        if isinstance(tools, dict) and "poetry" in tools:
            command = f"poetry lock && {LOCKS['poetry.lock']}"
        yield f"pyproject.toml is not read here: write requirements.txt with {command}"


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
