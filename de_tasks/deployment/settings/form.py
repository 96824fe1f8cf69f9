"""The form of `settings:` in `invoke.yaml`, read into what an app should have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.platform import rules
from de_tasks.platform.models import People
from de_tasks.terminal.proposals import did_you_mean

VERSION = 1
VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
PROCESS = re.compile(r"[A-Za-z0-9_-]+")
REQUIRED = "required"
SOURCES = "required, {from: env:NAME} or {from: file:PATH}"


@dataclass(frozen=True)
class VariableSource:
    """Where a variable's value is from: `kind` is env, file, or empty where any value will do."""

    kind: str = ""
    name: str = ""

    def words(self) -> str:
        """As it stands in the file."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class WantedSettings:
    """What an app should have; what is None or not in `values` is left alone.

    `values` are settings by the name that they have in `Changes` and `Details`, too.
    """

    values: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    viewers: People | None = None
    co_owners: People | None = None
    services: tuple[str, ...] | None = None
    scale: Mapping[str, int] | None = None
    variables: Mapping[str, VariableSource] | None = None
    thumbnail: Path | None = None


def parse(given: Mapping[str, object], where: str, root: Path) -> WantedSettings:
    """Read a section `settings`, which stands at `where`; paths are relative to `root`.

    Raises `UsageError` naming the key that is wrong, and never a value that may be a secret.
    """
    _check_version(given, where)
    known = {"version", *VALUES, *LISTS}
    for key in given:
        if key not in known:
            meant = did_you_mean(str(key), known) or f" There are: {', '.join(sorted(known))}"
            raise UsageError(f"{where}: there is no setting {key!r}.{meant}")
    found: dict[str, object] = {}
    for key, read in LISTS.items():
        if key in given:
            found[key] = read(given[key], f"{where}.{key}")
    values = {k: VALUES[k](given[k], f"{where}.{k}") for k in VALUES if k in given}
    wanted = WantedSettings(values=values, **found)  # type: ignore[arg-type]
    if wanted.thumbnail is None:
        return wanted
    picture = {**found, "thumbnail": root / wanted.thumbnail.expanduser()}
    return WantedSettings(values=values, **picture)  # type: ignore[arg-type]


def merged(defaults: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """The settings of an app: each of its own keys replaces that of all apps as a whole."""
    return {**defaults, **own}


def texts(given: object, where: str) -> list[tuple[str, str]]:
    """Every text in a section, with the place where it stands."""
    if isinstance(given, Mapping):
        return [pair for key in given for pair in texts(given[key], f"{where}.{key}")]
    if isinstance(given, (list, tuple)):
        return [pair for entry in given for pair in texts(entry, where)]
    return [(where, given)] if isinstance(given, str) else []


def _check_version(given: Mapping[str, object], where: str) -> None:
    version = given.get("version", VERSION)
    if type(version) is not int or version != VERSION:
        raise UsageError(
            f"{where}.version is {version!r}, and this de-tasks reads version {VERSION}. "
            "Install the de-tasks that wrote it, or write it anew with apps.export"
        )


def _text(given: object, where: str) -> str:
    if not isinstance(given, str):
        raise UsageError(f"{where} should be a text, not {given!r}. Write it in quotes")
    if any("\ud800" <= letter <= "\udfff" for letter in given):
        raise UsageError(f"{where} has half a character: write it as it is, not as \\ud83d.")
    return given


def _truth(given: object, where: str) -> bool:
    if not isinstance(given, bool):
        raise UsageError(f"{where} should be true or false, not {given!r}.")
    return given


def _rank(given: object, where: str) -> int:
    if type(given) is not int:
        raise UsageError(f"{where} should be a whole number, not {given!r}.")
    return rules.rank(given, where)


def _mail(given: object, where: str) -> str:
    return rules.mail(_text(given, where), where)


def _names(given: object, where: str) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)):
        raise UsageError(f"{where} should be a list of names, not {given!r}.")
    for name in given:
        if not isinstance(name, str) or not name.strip() or "," in name:
            raise UsageError(f"{where}: {name!r} is not a name. Write each name as an entry")
        _text(name, where)
    return tuple(dict.fromkeys(name.strip() for name in given))


def _people(given: object, where: str) -> People:
    if not isinstance(given, Mapping):
        return People(_users(given, where))
    for key in given:
        if key not in ("users", "groups"):
            raise UsageError(f"{where}: there is no {key!r} here. It has: users, groups")
    groups = _names(given.get("groups", ()), f"{where}.groups")
    return People(_users(given.get("users", ()), f"{where}.users"), groups)


def _users(given: object, where: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in _names(given, where)))


def _services(given: object, where: str) -> tuple[str, ...]:
    return tuple(rules.service_type(kind, f"{where}: each") for kind in _names(given, where))


def _scale(given: object, where: str) -> dict[str, int]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where} should have numbers of processes, such as web: 2.")
    for kind, number in given.items():
        if not isinstance(kind, str) or not PROCESS.fullmatch(kind):
            raise UsageError(f"{where}: {kind!r} is not a type of process.")
        if type(number) is not int or number < 0:
            raise UsageError(f"{where}.{kind} should be a whole number from 0, not {number!r}.")
    return dict(given)


def _variables(given: object, where: str) -> dict[str, VariableSource]:
    if isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
        given = dict.fromkeys(given, REQUIRED)
    if not isinstance(given, Mapping):
        raise UsageError(f"{where} should be names of variables, each with {SOURCES}.")
    return {str(name): _source(name, about, where) for name, about in given.items()}


def _source(name: object, about: object, where: str) -> VariableSource:
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        shown = str(name).partition("=")[0]  # Behind it is a value.
        raise UsageError(f"{where}: the entry of {shown!r} is not the name of a variable.")
    if about == REQUIRED:
        return VariableSource()
    text = about.get("from") if isinstance(about, Mapping) and set(about) == {"from"} else None
    kind, colon, source = text.partition(":") if isinstance(text, str) else ("", "", "")
    if kind in ("env", "file") and colon and source:
        return VariableSource(kind, source)
    # What stands here may be the value itself.
    raise UsageError(f"{where}.{name}: no value belongs in this file. Write {SOURCES}")


def _path(given: object, where: str) -> Path:
    if not isinstance(given, str) or not given:
        raise UsageError(f"{where} should be the path of a PNG or JPEG file, not {given!r}.")
    return Path(given)


def _python(given: object, where: str) -> str:
    return rules.minor_version(_text(given, where), where)


VALUES: dict[str, Callable[[object, str], object]] = {
    "title": _text,
    "description": _text,
    "view_access": rules.access_level,
    "visible_on_portal": _truth,
    "portal_rank": _rank,
    "maintainer_email": _mail,
    "persistent_filesystem": _truth,
    "python_version": _python,
}
"""Settings with one value. Each is a field of `Changes` and of `Details` of the same name: a new
one is a row here."""
LISTS: dict[str, Callable[[object, str], object]] = {
    "tags": _names,
    "viewers": _people,
    "co_owners": _people,
    "services": _services,
    "scale": _scale,
    "variables": _variables,
    "thumbnail": _path,
}
"""Settings that are compared in a way of their own."""


def unlisted(names: Sequence[str], listed: Sequence[str]) -> tuple[str, ...]:
    """The names that are not listed; upper and lower case make no difference."""
    folded = {name.casefold() for name in listed}
    return tuple(name for name in names if name.casefold() not in folded)
