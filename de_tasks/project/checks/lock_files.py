"""Lock files: does requirements.txt say the same, and is the lock for a Python that there is?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from de_tasks.appspec import LOCKS, MADE_FROM, REQUIREMENTS, text_of
from de_tasks.project.checks.findings import Finding
from de_tasks.repo.sent import Sent

DEPLOYED = ("uv.lock", "pylock.toml")
"""Locks from which an app can be deployed."""
ALIKE = (*DEPLOYED, "poetry.lock", "pdm.lock")
"""Locks of one form."""
PACKAGE = re.compile(r'^\[\[packages?\]\]\s+name = "([^"]+)"\s+version = "([^"]+)"', re.MULTILINE)
REQUIRES = re.compile(r'^requires-python = "([^"]+)"', re.MULTILINE)
OPTION = re.compile(r"\s(--[a-z]|\\|#).*$")
MOST_NAMED = 3
OFFERED = tuple(f"3.{minor}" for minor in range(7, 13))
"""Versions of Python in the vendor's published code."""


def of_lock(sent: Sent, lock: str) -> Iterator[Finding]:
    """What is wrong with the lock from which an app is deployed; nothing without a `lock`."""
    if lock:
        yield from _python(sent, lock)
        yield from differing(sent, lock)


def to_add(sent: Sent, package: str) -> str:
    """What adds a package to the requirements, or to what they are made from."""
    first = text_of(sent.read(REQUIREMENTS), "replace").partition("\n")[0]
    lock = first.removeprefix(MADE_FROM.format(""))
    if lock == first:
        return f"Add the line '{package}' to requirements.txt"
    if lock == "uv.lock":
        return f"Type: uv add {package}"
    return f"Add to what {lock} is made from, and lock again: {package}"


def differing(sent: Sent, lock: str = "") -> Iterator[Finding]:
    """The pins of requirements.txt that are not those of the lock beside it."""
    found = lock or next((name for name in ALIKE if sent.has(name)), "")
    if not (found and sent.has(REQUIREMENTS)):
        return
    # A lock may have several versions of a package, for one Python or system each.
    locked: dict[str, list[str]] = {}
    for name, pinned in PACKAGE.findall(sent.whole(found).decode("utf-8", "replace")):
        locked.setdefault(canonicalize_name(name), []).append(pinned)
    other, first = [], 0
    text = text_of(sent.read(REQUIREMENTS), "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        pin = _pin(line)
        there = locked.get(pin[0], []) if pin else []
        if pin and there and all(_differ(pin[1], version) for version in there):
            other.append(f"{pin[0]}=={pin[1]} ({' and '.join(there)} in the lock)")
            first = first or number
    if not other:
        return
    more = f" and {len(other) - MOST_NAMED} more" if len(other) > MOST_NAMED else ""
    what = f"requirements.txt differs from {found}: {', '.join(other[:MOST_NAMED])}{more}."
    if lock:
        remedy = f"The lock is deployed (de.requirements): remove {REQUIREMENTS}"
    else:
        remedy = f"Write it anew: {LOCKS[found]}" if found in LOCKS else "Write it anew"
        if found in DEPLOYED:
            remedy += f"; or deploy the lock itself: 'requirements: {found}' under de: in "
            remedy += "invoke.yaml"
    yield Finding("lock-differs", REQUIREMENTS, first, what, remedy)


def _pin(line: str) -> tuple[str, str] | None:
    try:
        found = Requirement(OPTION.sub("", f"{line} ").strip())
    except InvalidRequirement:
        return None
    (only, *more) = [*found.specifier, None]
    if only is None or len(more) > 1 or only.operator != "==" or only.version.endswith("*"):
        return None
    return canonicalize_name(found.name), only.version


def _differ(one: str, other: str) -> bool:
    try:
        return Version(one) != Version(other)
    except InvalidVersion:
        return one != other


def _python(sent: Sent, lock: str) -> Iterator[Finding]:
    found = REQUIRES.search(sent.whole(lock).decode("utf-8", "replace"))
    if not found:
        return
    try:
        wanted = SpecifierSet(found[1])
    except InvalidSpecifier:
        return
    if not any(wanted.contains(f"{python}.99") for python in OFFERED):
        what = f"{lock} is for Python {found[1]}; Dash Enterprise is known to offer "
        what += f"{OFFERED[0]} to {OFFERED[-1]}."
        remedy = "Lock for one of them: requires-python in pyproject.toml, then uv lock"
        yield Finding("lock-python", lock, 0, what, remedy)
