"""The Pythons of this machine: those that uv finds, and those of the usual places. None is
downloaded."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from uv import find_uv_bin

from de_tasks.errors import DeTasksError, NotFound, UsageError

MINOR = re.compile(r"3\.\d{1,2}")
KNOWN = tuple(f"3.{minor}" for minor in range(7, 16))
FIVE_DEFAULT = "3.10"
"""The Python of an app on Dash Enterprise 5 whose settings name none."""
SECONDS = 20.0
FRESH = 10.0
"""Seconds in which uv is not asked again: it starts every Python of the machine."""


@dataclass(frozen=True)
class AskedPython:
    """The Python that an app asks for as `3.11` or `3.11.7`, None for the sandbox's own; `by` is
    what asks, a noun, and `remedy` what to do where it is not there."""

    version: str | None = None
    by: str = "runtime.txt"
    remedy: str = "remove runtime.txt"


def need(version: str) -> None:
    """Raise `UsageError` for what is no minor version, `NotFound` for one that is not here."""
    if not MINOR.fullmatch(version):
        raise UsageError(f"{version!r} is no minor version of Python, such as 3.11.")
    if not _found(version):
        raise NotFound(
            f"There is no Python {version} on this machine. It has {', '.join(installed())}."
        )


def installed() -> list[str]:
    """The minor versions that are here, the oldest first."""
    found = {_minor(version) for version in _of_uv()} | {_own_minor()}
    found |= {minor for minor in KNOWN if minor not in found and _usual(minor)}
    return sorted(found, key=lambda minor: int(minor.partition(".")[2]))


def find_python(asked: AskedPython, say: Callable[[str], None]) -> str:
    """Path of the interpreter that is asked for; without a version, the sandbox's own.

    A patch level that is not on this machine gives way to another of the same minor version,
    with a word. Raises `DeTasksError` when there is none, naming those there are.
    """
    version = asked.version
    if version is None:
        say(f"-----> Python {sys.version.split()[0]}")
        return _own()
    minor = _minor(version)
    found = _found(minor)
    if not found:
        raise DeTasksError(
            f"{asked.by} asks for Python {version}, and there is no Python {minor} on this "
            f"machine, which has {', '.join(installed())}. Install it, or {asked.remedy} to use "
            f"{sys.version.split()[0]}."
        )
    actual = version if version in found else next(iter(found))
    note = "" if actual.startswith(version) else f" ({asked.by} asks for {version})"
    say(f"-----> Python {actual}{note}")
    return found[actual]


def _found(minor: str) -> dict[str, str]:
    """The interpreters of a minor version that run: version to path."""
    return _usual(minor) or {v: path for v, path in _of_uv().items() if _minor(v) == minor}


def _usual(minor: str) -> dict[str, str]:
    """Those of them in the usual places."""
    found: dict[str, str] = {}
    for candidate in [_own(), *_candidates(minor)]:
        actual = _version_of(candidate)
        if actual and _minor(actual) == minor:
            found.setdefault(actual, candidate)
    return found


def _of_uv() -> dict[str, str]:
    """What uv finds on this machine: version to path; empty where it cannot tell."""
    return _listed_by_uv(_without_shims(), int(time.monotonic() // FRESH))


@lru_cache(maxsize=1)
def _listed_by_uv(path: str, moment: int) -> dict[str, str]:
    """The same, asked once in each `moment`, which is a number of `FRESH` seconds."""
    words = ("python", "list", "--only-installed", "--no-config", "--output-format", "json")
    settings = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
    try:
        done = subprocess.run(
            [find_uv_bin(), *words],
            env={**settings, "PATH": path, "UV_PYTHON_DOWNLOADS": "never"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        rows = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, str] = {}
    for row in rows:
        if (row.get("implementation"), row.get("variant")) == ("cpython", "default"):
            found.setdefault(row["version"], row["path"])
    return found


def _own() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _own_minor() -> str:
    return "{}.{}".format(*sys.version_info)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _without_shims() -> str:
    """The folders of programs without pyenv's shims, each of which starts a shell; the Pythons
    behind them are in a usual place."""
    shims = os.path.expanduser("~/.pyenv/shims")
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder.rstrip("/") != shims)


def _candidates(minor: str) -> list[str]:
    on_path = shutil.which(f"python{minor}", path=_without_shims())
    home = os.path.expanduser("~")
    patterns = (
        f"{home}/.pyenv/versions/{minor}.*/bin/python{minor}",
        f"{home}/.local/share/uv/python/cpython-{minor}.*/bin/python{minor}",
        f"/usr/local/bin/python{minor}",
        f"/usr/bin/python{minor}",
        f"/opt/*/bin/python{minor}",
    )
    return ([on_path] if on_path else []) + [p for pat in patterns for p in sorted(glob.glob(pat))]


def _version_of(python: str) -> str | None:
    try:
        about = os.stat(python)
        return _said_version(python, about.st_ino, about.st_mtime_ns)
    except (OSError, subprocess.SubprocessError):
        return None


@lru_cache(maxsize=100)
def _said_version(python: str, inode: int, modified: int) -> str:
    """What an interpreter says, asked anew when its file is another one, or when it failed."""
    code = "import platform; print(platform.python_version())"
    words = [python, "-ISc", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
