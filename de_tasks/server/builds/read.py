"""What a build of a version reads beside Procfile and requirements."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import tomllib

from de_tasks.appspec import (
    CONDA,
    RELEASE_UNDOCUMENTED,
    Procfile,
    apt_lines,
    read_runtime,
    read_scale,
    read_text,
)
from de_tasks.errors import UsageError
from de_tasks.server.runtime.pythons import FIVE_DEFAULT, AskedPython

SCRIPTS = ("predeploy", "postdeploy")


def check(folder: Path, version: int) -> None:
    """Raise `UsageError` for what stops a build before anything is installed."""
    there = [name for name in CONDA if (folder / name).is_file()]
    if there and not (folder / "requirements.txt").is_file():
        raise UsageError(
            f"{there[0]} alone is not built here: the sandbox installs with pip. Name its packages "
            "in requirements.txt"
        )
    scripts(folder, version)
    if version == 4:
        read_scale(folder)


def python(folder: Path, version: int, setting: str) -> AskedPython:
    """The Python that the app asks for: version 5 has a `setting`, version 4 runtime.txt."""
    if version == 4:
        return AskedPython(read_runtime(folder))
    remedy = "unset it with inv update --python-version ''"
    return AskedPython(setting or None, "The app's setting", remedy)


def scripts(folder: Path, version: int) -> dict[str, str]:
    """The commands of project.toml by their names; version 4 has none.

    Raises `UsageError` for a file that is not TOML, or has `include` with `exclude`.
    """
    if version == 4 or not (folder / "project.toml").is_file():
        return {}
    text = read_text(_inside(folder, "project.toml"))
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"project.toml is not TOML: {error}.") from None
    for where in (table, table.get("build"), table.get("_")):
        if isinstance(where, dict) and "include" in where and "exclude" in where:
            raise UsageError("project.toml has include and exclude: keep one of the two.")
    found = table.get("scripts")
    if not isinstance(found, dict):
        return {}
    return {
        kind: found[kind].strip()
        for kind in SCRIPTS
        if isinstance(found.get(kind), str) and found[kind].strip()
    }


def notes(folder: Path, version: int, setting: str) -> Iterator[str]:
    """What the build's log says of it. Raises `UsageError` for an Aptfile with CRLF line ends."""
    commands = Procfile.read(folder).commands
    if version == 5:
        if not setting:
            yield (
                f"No Python is set, so this is the sandbox's own. Version 5's default is "
                f"{FIVE_DEFAULT}: set one with inv update --python-version {FIVE_DEFAULT}"
            )
        if "release" in commands:
            yield RELEASE_UNDOCUMENTED
        if (folder / "Aptfile").is_file():
            yield from _packages(folder, "Aptfile")
        return
    if read_scale(folder) is None and len(set(commands) - {"release"}) > 1:
        yield "There is no DOKKU_SCALE, so web alone is started"
    if (folder / "CHECKS").is_file():
        yield "CHECKS is recognised, and not run here: web has to answer GET / in its place"
    if (folder / "app.json").is_file():
        yield "app.json is recognised, and its scripts and health checks are not run here"
    if (folder / "apt-packages").is_file():
        yield from _packages(folder, "apt-packages")


def _packages(folder: Path, file: str) -> Iterator[str]:
    packages, text = [], read_text(_inside(folder, file))
    if file != "Aptfile":
        text = text.replace("\r\n", "\n")
    for number, kind, said in apt_lines(text):
        if kind == "wrong":
            yield f"{file} line {number}: {said!r} is not the name of a package"
        elif kind == "package":
            packages.append(said)
        else:
            yield f"{file} line {number}: the {kind} {said} is not used here"
    yield from _missing(file, packages)


def _missing(file: str, packages: list[str]) -> Iterator[str]:
    """Those of the packages that this machine has not, with the line that installs them."""
    if not packages:
        return
    installed = _installed([_name(package) for package in packages])
    if installed is None:
        yield (
            f"{file}: dpkg-query could not tell which of its packages are here. On Debian: "
            f"{_install(packages)}"
        )
        return
    lacking = [package for package in packages if _name(package) not in installed]
    if lacking:
        names = ", ".join(lacking)
        yield f"{file}: not on this machine: {names}. Install with: {_install(lacking)}"


def _install(packages: list[str]) -> str:
    # People copy it into a shell.
    return f"sudo apt-get install -- {shlex.join(packages)}"


def _name(package: str) -> str:
    """The name alone, without architecture, version and release."""
    return re.split(r"[:=/]", package)[0]


def _installed(names: list[str]) -> set[str] | None:
    """Those of the packages that are installed; None where that cannot be told."""
    query = shutil.which("dpkg-query")
    if query is None:
        return None
    form = "--showformat=${Package} ${db:Status-Status}\\n"
    command = [query, "--show", form, "--", *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = (line.split(" ") for line in done.stdout.splitlines())
    return {name for name, status in found if status == "installed"}


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{name} is a link that leaves the app's folder.")
    return path
