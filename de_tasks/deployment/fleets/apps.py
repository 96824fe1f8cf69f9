"""A fleet: the apps of one repository, as `de.apps` lists them, and which of them changed.

An entry is what counts most for its app; then what the app's own folder has in an invoke.yaml, as
`deploy` in that folder would read it; then what the fleet's file says for all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from de_tasks.appspec import check_app_name, with_slashes
from de_tasks.config import settings
from de_tasks.errors import UsageError
from de_tasks.repo.changes import Changed

OWN = (
    "host",
    "branch",
    "requirements",
    "timeout",
    "confirm",
    "ca_path",
    "insecure_http",
    "keyfile",
    "no_keyfile",
)
"""Settings that an app of a fleet may have of its own."""
PATHS = ("ca_path", "keyfile")
"""Those of them that are paths, relative to the fleet's file."""
CHECK = ("check", "check_ignore", "check_limit")
"""What an app's own file may say besides."""
NO_APPS = (
    "No apps are listed. List them in invoke.yaml under de.apps, for example:\n"
    "de:\n  apps:\n    - apps/sales\n    - {name: energy, path: apps/energy}"
)
KEYS = ("name", "path", "shared", "settings", *OWN)


@dataclass(frozen=True)
class FleetApp:
    """An app of a fleet. `shared` are files and folders outside its own that it is made of;
    `own` are its settings where they differ from those of all, `settings` is what the app itself
    should have on the platform, as it is written."""

    name: str
    folder: Path
    shared: tuple[Path, ...] = ()
    own: Mapping[str, object] = field(default_factory=dict)
    check: Mapping[str, object] = field(default_factory=dict)
    """Settings of the check in the app's own file."""
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Its own host, empty for that of all."""
        return str(self.own.get("host", ""))

    def made_of(self, file: Path) -> bool:
        """Whether a file, given by its full path, is part of the app."""
        return any(file.is_relative_to(part) for part in (self.folder, *self.shared))


@dataclass(frozen=True)
class Chosen:
    """An app to work on, with the changed files that made it so; None when all are chosen."""

    app: FleetApp
    files: tuple[Path, ...] | None = None


@dataclass(frozen=True)
class Selection:
    """Apps to work on. `outside` are changed files that are no part of any app."""

    chosen: tuple[Chosen, ...]
    outside: tuple[Path, ...] = ()


def parse(
    entries: Sequence[object],
    shared: Sequence[object],
    root: Path,
    file_of: Callable[[Path], Mapping[str, object]] = lambda folder: {},
    folders: bool = True,
) -> tuple[FleetApp, ...]:
    """Read `de.apps`; paths are relative to `root`, and `shared` ones are parts of every app.
    `file_of` tells the settings of an app's own file.

    Without `folders` an app need not have one: its settings have no need of it.

    Raises `UsageError` that names the entry which is wrong, and when there is none at all.
    """
    if not entries:
        raise UsageError(NO_APPS)
    everywhere = _paths(shared, root, "de.shared")
    apps: list[FleetApp] = []
    for number, entry in enumerate(entries, 1):
        app = _app(entry, root, everywhere, f"de.apps, entry {number}", file_of, folders)
        for other in apps:
            if (other.name, other.host) == (app.name, app.host):
                raise UsageError(
                    f"de.apps, entry {number}: {app.name} is listed before. "
                    "One app is one entry, unless each has a host of its own"
                )
        apps.append(app)
    return tuple(apps)


def _app(
    entry: object,
    root: Path,
    everywhere: tuple[Path, ...],
    where: str,
    file_of: Callable[[Path], Mapping[str, object]],
    folders: bool,
) -> FleetApp:
    if isinstance(entry, str):
        entry = {"path": entry}
    if not isinstance(entry, Mapping):
        raise UsageError(f"{where} should be a folder, or have a name and a path: {entry!r}")
    path = entry.get("path", entry.get("name"))
    if not isinstance(path, str) or not path:
        raise UsageError(f"{where} has neither a name nor a path: {dict(entry)!r}")
    folder = _full(root, path)
    if "\\" in path and not folder.is_dir():
        right = with_slashes(path)
        raise UsageError(f"{where}: there is no folder {path}. Write it with slashes: {right}")
    file = file_of(folder) if folder.is_dir() else {}
    name = str(entry.get("name") or file.get("app") or folder.name)
    where = f"{where} ({name})"
    for key in entry:
        if key not in KEYS:
            raise UsageError(f"{where}: there is no {key!r} here. An entry has: {', '.join(KEYS)}")
    try:
        check_app_name(name)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if folders and not folder.is_dir():
        raise UsageError(f"{where}: there is no folder {folder}. Give the right path")
    own = {key: value for key, value in entry.items() if key in OWN}
    own |= {key: str(_full(root, str(own[key]))) for key in PATHS if own.get(key)}
    # As everywhere, the environment overrides a file.
    unset = {key: value for key, value in file.items() if key in OWN and not settings.is_set(key)}
    shared = _paths(entry.get("shared", ()), root, f"{where}, shared")
    typed = settings.typed(unset, f"{where}, invoke.yaml") | settings.typed(own, where)
    check = {key: value for key, value in file.items() if key in CHECK}
    wanted = entry.get("settings", {})
    if not isinstance(wanted, Mapping):
        raise UsageError(f"{where}: settings should be names with values, such as title: Sales.")
    return FleetApp(name, folder, everywhere + shared, typed, check, wanted)


def _paths(value: object, root: Path, where: str) -> tuple[Path, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(i, str) and i for i in items):
        raise UsageError(f"{where} should be a list of files and folders, not {value!r}.")
    paths = tuple(_full(root, item) for item in items)
    for item, path in zip(items, paths, strict=True):
        if not path.exists():
            raise UsageError(f"{where}: there is no file or folder {item} in {root}.")
    return paths


def _full(root: Path, path: str) -> Path:
    # Without following links: git names the files of a repository as they lie in it.
    return Path(os.path.abspath(root / Path(path).expanduser()))


def select(
    apps: Sequence[FleetApp],
    only: Sequence[str] = (),
    changed: Changed | None = None,
) -> Selection:
    """The apps named by `only`, and of these the ones that changed.

    Raises `UsageError` for a name that is not in the fleet.
    """
    known = {app.name for app in apps}
    for name in only:
        if name not in known:
            raise UsageError(f"There is no app {name!r} in de.apps. It has: {', '.join(known)}")
    named = [app for app in apps if not only or app.name in only]
    if changed is None or changed.files is None:
        return Selection(tuple(map(Chosen, named)))
    files = changed.files
    parts = ((app, tuple(file for file in files if app.made_of(file))) for app in named)
    outside = tuple(file for file in files if not any(app.made_of(file) for app in apps))
    return Selection(tuple(Chosen(app, found) for app, found in parts if found), outside)
