"""Which packages an app imports and its requirements lack.

A package is added only where this machine has it installed, or where it is known to the check: a
name that is guessed from an import may be somebody else's package.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from packaging.utils import canonicalize_name

from de_tasks.project.checks.packages import EXTRAS, closure, has, package_of
from de_tasks.project.scaffold.python_source import Source

SURE = (
    "dash",
    "flask",
    "fastapi",
    "uvicorn",
    "django",
    "streamlit",
    "celery",
    "gunicorn",
    "pandas",
    "numpy",
    "plotly",
)
"""Packages that are named as they are imported."""
BROUGHT = {
    "dash": ("flask", "plotly", "werkzeug"),
    "streamlit": ("pandas", "numpy", "altair", "pyarrow"),
    "flask": ("werkzeug", "jinja2", "click", "markupsafe"),
    "pandas": ("numpy",),
}
"""What every version of a package brings, where it is not installed here to be asked."""
DEEPEST = 6


@dataclass(frozen=True)
class Lacking:
    """Requirement lines to add, and imports whose packages are not known."""

    lines: tuple[str, ...]
    unknown: tuple[str, ...]


def lacking(
    needs: Iterable[str],
    reached: Iterable[Source],
    own: Iterable[str],
    present: Iterable[str],
) -> Lacking:
    """What is missing from the requirement lines `present`.

    `needs` are packages that are needed in any case, `own` the modules of the app itself.
    """
    lines = list(present)
    there = _closure({name for line in lines if (name := name_of(line))})
    there |= {canonicalize_name(extra) for line in lines for extra in _extras(line)}
    for line in lines:
        for extra in _extras(line):
            known = EXTRAS.get((name_of(line), str(canonicalize_name(extra))), "")
            there |= _closure(set(known.split()))
    # A version that is not installed here may bring more than the one that is.
    there |= closure(there)
    imported = {module for source in reached for module in source.modules}
    roots = {module.partition(".")[0] for module in imported}
    outside = roots - set(own) - set(sys.stdlib_module_names) - {"", "__future__"}
    doubtful = {module for module in outside if canonicalize_name(module) not in SURE}
    installed = _installed() if doubtful else {}
    wanted: dict[str, None] = dict.fromkeys(map(canonicalize_name, needs))
    unknown = []
    for module in sorted(outside):
        names = installed.get(module, []) if module in doubtful else [module]
        package = package_of(module)
        packages = {str(canonicalize_name(name)) for name in names or filter(None, [package])}
        if there & {*packages, canonicalize_name(module)} or (package and has(there, package)):
            continue
        if len(packages) == 1:
            wanted |= dict.fromkeys(packages)
        elif not any(
            _brings_part_of(name, other)
            for other in imported
            if other.startswith(f"{module}.")
            for name in there
        ):
            # None is known, or several share the name.
            unknown.append(module)
    missing = [name for name in wanted if name not in there]
    # What comes with another one that is added need not be named.
    brought = set().union(*(_closure({name}) - {name} for name in missing))
    needed = {canonicalize_name(name) for name in needs}
    kept = [name for name in missing if name not in brought or name in needed]
    return Lacking(tuple(_line(name) for name in kept), tuple(unknown))


@cache
def _installed() -> Mapping[str, list[str]]:
    """The packages of each module that is installed here: found in every file of every package."""
    return metadata.packages_distributions()


def _brings_part_of(package: str, module: str) -> bool:
    """Whether a package is called as a part of a namespace that several share, as
    azure-storage-blob is as `azure.storage.blob`."""
    names, parts = package.split("-"), canonicalize_name(module.replace(".", "-")).split("-")
    return min(len(names), len(parts)) > 1 and all(
        name == part for name, part in zip(names, parts, strict=False)
    )


def name_of(line: str) -> str:
    """The package that a requirement line names (PEP 508), empty for an option."""
    match = re.match(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", line.strip())
    return canonicalize_name(match[0]) if match else ""


def _extras(line: str) -> list[str]:
    match = re.match(r"[^\[;@]*\[([^\]]*)\]", line)
    return [extra.strip() for extra in match[1].split(",")] if match else []


def _line(name: str) -> str:
    try:
        return f"{name}>={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return name


def _closure(names: set[str]) -> set[str]:
    """The packages, and all that they bring along."""
    found, waiting = set(names), set(names)
    for _ in range(DEEPEST):
        waiting = {other for name in waiting for other in _brought(name)} - found
        found |= waiting
    return found


def _brought(name: str) -> Iterable[str]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return BROUGHT.get(name, ())
    return [name_of(line) for line in lines if "extra ==" not in line]


def own_modules(sources: Mapping[str, Source]) -> set[str]:
    """Names by which the app's own files and folders are imported, from any of its folders."""
    return {part for source in sources.values() for part in source.path.with_suffix("").parts}
