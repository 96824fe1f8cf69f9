"""Databases that an app's code reads the address of, and that are not attached to it."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Container, Iterator
from pathlib import Path

from de_tasks.appspec import LARGEST_FILE, URL_VARIABLE

MOST_FILES = 500
"""Files of Python that are looked at, those nearest to the top first."""
MOST_FOLDERS = 2_000
OTHERS = ("node_modules", "__pycache__", "site-packages", "tests", "test")


def unattached(folder: Path, app: str, variables: Container[str]) -> str:
    """How to attach what the code reads and `variables` have not; empty where nothing is missing.

    Only names that stand in the code as a string by themselves count, and those in the Procfile.
    """
    missing = {name: kind for kind, name in URL_VARIABLE.items() if name not in variables}
    found: dict[str, str] = {}
    for name, file in _reads(folder, missing):
        found.setdefault(name, file)
        if len(found) == len(missing):
            break
    commands = " && ".join(
        f"de-tasks services create --type {missing[name]} --app-name {app}" for name in found
    )
    reads = " and ".join(f"{name} (in {file})" for name, file in found.items())
    return (
        f"The app reads {reads}, which is not attached. To attach it: {commands}" if found else ""
    )


def _reads(folder: Path, names: Container[str]) -> Iterator[tuple[str, str]]:
    if not names:
        return
    for path in _sources(folder):
        text = _text(path)
        file = path.relative_to(folder).as_posix()
        for name in [n for n in URL_VARIABLE.values() if n in names and n in text]:
            if path.name == "Procfile" or _has_string(text, name):
                yield name, file


def _sources(folder: Path) -> Iterator[Path]:
    yield folder / "Procfile"
    folders, left = [folder], MOST_FILES
    for place in folders:
        with os.scandir(place) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                path = place / entry.name
                hidden = entry.name.startswith(".") or entry.name in OTHERS
                if (
                    not hidden
                    and len(folders) < MOST_FOLDERS
                    and not (path / "pyvenv.cfg").exists()
                ):
                    folders.append(path)
            elif left and entry.name.endswith(".py") and not entry.is_symlink():
                left -= 1
                yield place / entry.name


def _text(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_FILE:
        return ""
    return path.read_text("utf-8", "replace")


def _has_string(text: str, name: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.Constant) and node.value == name for node in nodes)
