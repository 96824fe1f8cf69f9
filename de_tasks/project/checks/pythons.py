"""The Python that an app gets, and what its requirements cannot have there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from packaging.version import Version

from de_tasks.appspec import LAST_WITH_SETUPTOOLS, RUNTIME, text_of
from de_tasks.project.checks import packages, wheels
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.provided import Reading, end_before
from de_tasks.repo.sent import Sent
from de_tasks.terminal.commands import typed

WITHOUT_PKG_RESOURCES = ("82.0.0", "99.0.0")
"""Versions of setuptools: the first that has none, and one that stands for all later ones."""


def asked_for(sent: Sent) -> str:
    """The Python that runtime.txt asks for, as `3.11.7` or `3.11`; empty where it asks for none."""
    found = RUNTIME.fullmatch(text_of(sent.read("runtime.txt"), "replace").strip())
    return found[1] if found else ""


def brings_setuptools(python: str) -> bool:
    """Whether an environment has a setuptools below 81 by itself, as far as is known: without
    runtime.txt nobody knows the Python."""
    return not python or wheels.minor(python) <= LAST_WITH_SETUPTOOLS


def without_pkg_resources(reading: Reading, python: str) -> Iterator[Finding]:
    """Pinned versions that import what the environment does not have."""
    own = reading.specifiers.get("setuptools")
    if own is None:
        there = brings_setuptools(python)
        ours = "is there up to Python 3.11 only"
    else:
        there = not any(own.contains(version) for version in WITHOUT_PKG_RESOURCES)
        ours = "setuptools has only below 82"
    if there:
        return
    for name, (bound, instead) in packages.NEEDS_PKG_RESOURCES.items():
        version, line = reading.pins.get(name, (None, None))
        if version and line and name in reading.direct and version < Version(bound):
            what = f"{name} {version} imports pkg_resources, which {ours}."
            remedy = f"Write '{instead}', or add the line 'setuptools<81'"
            if own is not None:
                remedy = f"Write '{instead}', or 'setuptools<81'"
            yield Finding("needs-setuptools", line.file, line.number, what, remedy)


def without_wheels(reading: Reading, python: str, platform: int) -> Iterator[Finding]:
    """Versions that were published before the Python, and would have to be compiled."""
    for name, specifiers in reading.specifiers.items():
        line = reading.lines[name]
        newest = wheels.newest_python(name, partial(end_before, specifiers))
        if (
            name in reading.marked
            or not newest
            or not wheels.later(python or wheels.OLDEST_DEFAULT, newest)
        ):
            continue
        pin = reading.pins.get(name)
        version = f" {pin[0]}" if pin else str(specifiers)
        what = f"{name}{version} has wheels up to Python {newest} only, and has to be compiled."
        if python:
            what = f"{name}{version} has no wheel for Python {python}, only up to {newest}."
        remedy = f"Write '{name}>={wheels.first_with(name, python or wheels.OLDEST_DEFAULT)}'"
        if newest != wheels.OLDER:
            how = f"python-{newest} in runtime.txt"
            if platform == 5:
                how = typed(f"update --python-version {newest}")
            remedy += f", or set Python {newest} ({how})"
        yield Finding("no-wheel", line.file, line.number, what, remedy)
