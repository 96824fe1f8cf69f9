"""What the requirements install, as far as they say."""

from __future__ import annotations

from dataclasses import dataclass, field

from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from de_tasks.appspec import Line
from de_tasks.project.checks import packages


@dataclass(frozen=True)
class Provided:
    """What the requirements install, as far as they say: `direct` are canonical names (PEP 503).

    `sure` says that everything that they bring is known, `nameless` that something without a
    name, such as `-e .`, may bring anything. `excluded` are those whose markers keep them from
    the server, `roots` the folders of the app that its own packages are imported from.
    """

    direct: frozenset[str] = frozenset()
    sure: bool = True
    nameless: bool = False
    excluded: dict[str, Line] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    pins: dict[str, Version] = field(default_factory=dict)
    specifiers: dict[str, SpecifierSet] = field(default_factory=dict)

    def is_before(self, package: str, version: Version) -> bool:
        """Whether the requirements let in no such version of a package, and no later one."""
        return end_before(self.specifiers.get(package, SpecifierSet()), version)

    def has(self, package: str) -> bool:
        """Whether a package comes with the requirements, as far as is known."""
        found = packages.closure(set(self.direct))
        return packages.has(found, canonicalize_name(package))

    def resembles(self, name: str) -> bool:
        """Whether a module or program may be that of a requirement that is not known."""
        wanted = canonicalize_name(name)
        return any(
            wanted in other or other in wanted or wanted.split("-")[0] == other.split("-")[0]
            for other in self.direct
            if not packages.is_known(other)
        )


@dataclass
class Reading:
    """What is gathered while the lines are read."""

    direct: set[str] = field(default_factory=set)
    sure: bool = True
    nameless: bool = False
    excluded: dict[str, Line] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    pins: dict[str, tuple[Version, Line]] = field(default_factory=dict)
    specifiers: dict[str, SpecifierSet] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    """The first that names a package."""
    marked: set[str] = field(default_factory=set)
    """Packages with a line that holds for some environments."""

    def provided(self) -> Provided:
        return Provided(
            direct=frozenset(self.direct),
            sure=self.sure and not self.nameless,
            nameless=self.nameless,
            excluded={k: v for k, v in self.excluded.items() if k not in self.direct},
            roots=tuple(self.roots),
            pins={name: version for name, (version, _) in self.pins.items()},
            specifiers=self.specifiers,
        )


def end_before(specifiers: SpecifierSet, version: Version) -> bool:
    return any(_ends_before(one, version) for one in specifiers)


def _ends_before(specifier: Specifier, version: Version) -> bool:
    try:
        last = Version(specifier.version.removesuffix(".*"))
    except InvalidVersion:
        return False
    if specifier.operator == "~=" or specifier.version.endswith(".*"):
        *kept, counted = last.release[:-1] if specifier.operator == "~=" else last.release
        series = Version(".".join(map(str, (*kept, counted + 1))))
        return specifier.operator in ("~=", "==") and series <= version
    if specifier.operator == "<":
        return last <= version
    return specifier.operator in ("==", "===", "<=") and last < version
