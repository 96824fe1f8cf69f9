"""Dependencies that stand elsewhere than in requirements.txt at the top: in other such files, in
pyproject.toml, in a Pipfile or in Conda's environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from invoke.util import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from de_tasks.appspec import CONDA, LOCKS, Requirements, read_text
from de_tasks.errors import UsageError

SPLIT = ("production", "prod", "deploy", "requirements", "main", "base", "common")
"""Names of files in a folder `requirements`, the one for a server first."""

OTHERS = frozenset(
    "dev develop development test tests testing docs doc lint ci local notebook notebooks "
    "win windows mac macos osx binder examples".split()
)
"""Parts of names of requirements that are not for the app on a server."""


@dataclass(frozen=True)
class Declared:
    """Requirement lines to write, words about where they come from, and what they lead to."""

    lines: tuple[str, ...]
    words: str
    known: tuple[str, ...]


def declared_in(folder: Path, place: PurePosixPath) -> Declared | None:
    """The dependencies that a folder declares in another file, None where there are none.

    `place` is the folder in it in which the app starts: what stands there is meant for the app,
    and what stands further out for all that is below.
    """
    for here in (place, *place.parents):
        if found := _beside(folder, here):
            return found
    # Where one folder alone has requirements, they are those of the only app.
    below = [path for path in sorted(folder.glob("*/requirements.txt")) if _is_of_app(path.parent)]
    return _included(folder, below[0].relative_to(folder).as_posix()) if len(below) == 1 else None


def of_conda(folder: Path) -> tuple[str, ...] | None:
    """The packages that environment.yml names, as lines of requirements; None without the file."""
    path = next((path for name in CONDA if (path := folder / name).is_file()), None)
    if path is None:
        return None
    try:
        listed = yaml.safe_load(read_text(path))["dependencies"]  # type: ignore[no-untyped-call]
    except (UsageError, yaml.YAMLError, LookupError, TypeError, RecursionError):
        return ()
    lines = []
    for entry in listed if isinstance(listed, list) else ():
        # A table in the list has what pip installs.
        within = entry.get("pip") if isinstance(entry, dict) else [entry]
        if isinstance(within, list):
            lines += [line for line in within if isinstance(line, str) and "://" not in line]
    return tuple(line.rpartition("::")[2].strip() for line in lines)


def _beside(folder: Path, here: PurePosixPath) -> Declared | None:
    at = folder / here
    whole = [*(path.name for path in sorted(at.glob("requirements*.txt")) if _is_of_app(path))]
    whole.sort(key=lambda name: name != "requirements.txt")
    split = [f"requirements/{stem}.txt" for stem in SPLIT]
    # Of several that are nobody's first choice, none is taken.
    whole = whole if len(whole) == 1 or whole[:1] == ["requirements.txt"] else []
    for name in (*whole[:1], *split):
        if found := _included(folder, (here / name).as_posix()):
            return found
    for name, read in (("pyproject.toml", _project), ("Pipfile", _pipfile)):
        table = _table(at / name)
        lines = read(table)
        if lines:
            words = f"requirements.txt gets what {here / name} names, which is not read on the "
            words += "platform"
            if ours := _of_workspace(table):
                words += f". Of its workspace are {', '.join(ours)}: name their folders in it"
            lock = next((lock for lock in LOCKS if (at / lock).exists()), "")
            if lock and at == folder:
                words += f". The exact versions of {lock}: {LOCKS[lock]}"
            return Declared(tuple(lines), words, tuple(lines))
    return None


def _included(folder: Path, name: str) -> Declared | None:
    with suppress(UsageError):
        if found := Requirements.read(folder, name):
            words = f"requirements.txt, which alone is read on the platform, includes {name}"
            return Declared((f"-r {name}",), words, found.lines)
    return None


def _is_of_app(path: Path) -> bool:
    """Whether a file or folder of requirements is for the app on a server, by its name."""
    return not OTHERS & set(re.split(r"[-_.]", path.name.lower()))


def _table(path: Path) -> Mapping[str, object]:
    try:
        import tomllib

        return tomllib.loads(path.read_text("utf-8"))
    except (ImportError, OSError, ValueError):
        return {}


def _project(table: Mapping[str, object]) -> list[str]:
    project, tool = _inner(table, "project"), _inner(table, "tool")
    listed = project.get("dependencies")
    if isinstance(listed, list):
        sources, ours = _inner(_inner(tool, "uv"), "sources"), _of_workspace(table)
        found = [_of_uv(line, sources) for line in listed if isinstance(line, str)]
        return [line for line in found if _name(line) not in ours]
    return _lines(_inner(_inner(tool, "poetry"), "dependencies"))


def _of_workspace(table: Mapping[str, object]) -> list[str]:
    """Packages that uv has from another folder, which the project's own file does not name."""
    sources = _inner(_inner(_inner(table, "tool"), "uv"), "sources")
    return [
        canonicalize_name(name)
        for name, value in sources.items()
        if isinstance(value, dict) and value.get("workspace")
    ]


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line).name)
    except InvalidRequirement:
        return ""


def _of_uv(line: str, sources: Mapping[str, object]) -> str:
    """A line of a project whose packages uv may have from elsewhere than an index."""
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return line
    named = {canonicalize_name(name): value for name, value in sources.items()}
    value = named.get(canonicalize_name(wanted.name))
    source = _source(value) if isinstance(value, dict) else ""
    if not source:
        return line
    marker = f" ; {wanted.marker}" if wanted.marker else ""
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{_line(wanted.name, extras, source)}{marker}"


def _pipfile(table: Mapping[str, object]) -> list[str]:
    return _lines(_inner(table, "packages"))


def _inner(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _lines(wanted: Mapping[str, object]) -> list[str]:
    """Requirement lines of a table of names and versions, as poetry and pipenv have it."""
    lines = []
    for name, value in wanted.items():
        if name == "python":
            continue
        extras = source = ""
        if isinstance(value, list):
            # Poetry's versions for several Pythons: none of them is right for all.
            value = "*"
        if isinstance(value, dict):
            if value.get("optional") is True:
                continue
            listed = value.get("extras")
            extras = f"[{','.join(map(str, listed))}]" if isinstance(listed, list) else ""
            source = _source(value)
            value = value.get("version", "*")
        lines.append(_line(name, extras, source) if source else f"{name}{extras}{_version(value)}")
    return lines


def _line(name: str, extras: str, source: str) -> str:
    if "://" in source:
        return f"{name}{extras} @ {source}"
    # A folder has no name that can stand before it.
    return f"{'' if source.startswith(('.', '/')) else './'}{source}{extras}"


def _source(value: Mapping[str, object]) -> str:
    """Where a package comes from that no index has: one of the same name there is another's."""
    if git := str(value.get("git", "")):
        if "://" not in git and ":" in git:  # As ssh has it, and pip does not.
            git = f"ssh://{git.replace(':', '/', 1)}"
        ref = next((value[k] for k in ("rev", "ref", "tag", "branch") if k in value), "")
        below = value.get("subdirectory")
        return f"git+{git}{f'@{ref}' if ref else ''}{f'#subdirectory={below}' if below else ''}"
    return str(value.get("url") or value.get("file") or value.get("path") or "")


def _version(value: object) -> str:
    """A version as PEP 440 writes it."""
    text = str(value).replace(" ", "")
    if text in ("", "*") or "|" in text:  # One of several, as of a list.
        return ""
    return ",".join(_bounds(part) for part in text.split(","))


def _bounds(part: str) -> str:
    """The same of one bound: poetry's `^1.2` allows what leaves the first number that is not 0,
    and its `~1.2` what leaves the second."""
    found = re.fullmatch(r"(\^|~(?!=))(\d+(?:\.\d+)*)(.*)", part)
    if not found:
        return part if re.match("[<>=!~]", part) else f"=={part}"
    sign, version, rest = found.groups()
    numbers = [int(number) for number in version.split(".")]
    at = min(1, len(numbers) - 1)
    if sign == "^":
        at = next((n for n, number in enumerate(numbers) if number), len(numbers) - 1)
    above = ".".join(map(str, [*numbers[:at], numbers[at] + 1]))
    return f">={version}{rest},<{above}"
