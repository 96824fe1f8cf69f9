"""The files of an app: its releases, its persistent filesystem, the folders it was given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from de_tasks.errors import DeTasksError
from de_tasks.server.files import remove
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.app_settings import Mount

RELEASES_KEPT = 3


def tidy(app: App, persistent: bool) -> None:
    """Finish what was begun with the app's files when the sandbox ended.

    Raises `DeTasksError` where the app has put something in the way.
    """
    _move_build_logs(app)
    for path in (app.folder / "releases").glob("*.index*"):
        path.unlink()
    remove(workshop(app))
    for path in app.folder.glob("*.partial"):
        path.unlink()
    arrange_persistent(app, persistent)


def build_logs(app: App) -> Path:
    """The folder of the logs of builds: those of processes have any names beside it."""
    return app.folder / "logs" / "builds"


def _move_build_logs(app: App) -> None:
    # Where version 0.1 kept them, among those of processes.
    folder = build_logs(app)
    if not folder.exists():
        for path in folder.parent.glob("build-*.log*"):
            number = path.name.removeprefix("build-")
            if number.split(".")[0].isdigit():
                folder.mkdir(exist_ok=True)
                path.rename(folder / number)


def workshop(app: App) -> Path:
    """Where a folder is made, before it is that of a release: nothing in it is of any use later."""
    return app.folder / "workshop"


def numbered(app: App) -> list[int]:
    """The builds that have a folder, the oldest first."""
    folders = (app.folder / "releases").glob("[0-9]*")
    return sorted(int(folder.name) for folder in folders if folder.name.isdigit())


def prune(app: App) -> None:
    """Delete the files of releases long replaced."""
    for number in numbered(app)[:-RELEASES_KEPT]:
        if number not in app.in_use():
            remove(app.release_folder(number))


def arrange_persistent(app: App, enabled: bool) -> None:
    """Make the persistent filesystem or delete it: `../mount` of the app's folder, and
    `~/mount`, as the platform documents it.

    What the app itself has made there stays. Raises `DeTasksError` where it is in the way.
    """
    folder = app.folder / "mount"
    if enabled:
        own_folder(folder)
        _link(own_folder(app.folder / "releases") / "mount", "../mount")
        _link(own_folder(app.folder / "home") / "mount", "../mount")
        return
    for parent in (app.folder / "releases", app.folder / "home"):
        if not parent.is_symlink() and (parent / "mount").is_symlink():
            (parent / "mount").unlink()
    remove(folder)


def own_folder(path: Path) -> Path:
    """A folder of an app, made if it is not there, which is no way to somebody else's."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise DeTasksError(f"The app has put something else in the place of its folder {path}.")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _link(path: Path, target: str) -> None:
    if path.is_dir() and not path.is_symlink():
        with suppress(OSError):
            path.rmdir()  # One that is empty loses nobody anything.
    if not path.is_symlink() and path.exists():
        raise DeTasksError(
            f"The app has a {path.name} of its own in its {path.parent.name}, where the persistent "
            "filesystem belongs: rename it, or switch the persistent filesystem off."
        )
    _point(path, target)


def _point(path: Path, target: str) -> None:
    """Make a link, unless it is there: what runs looks through it at any moment."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def arrange_mounts(app: App, build_id: int, mounts: Sequence[Mount]) -> None:
    """Let a release find the folders of this machine that the app was given."""
    release = app.release_folder(build_id)
    for mount in mounts:
        target = release / mount.target
        if not target.parent.resolve().is_relative_to(release.resolve()):
            raise DeTasksError(f"{mount.target} leads out of the app's folder: nothing is mounted.")
        if not target.exists() or target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            _point(target, str(mount.host))
