"""The files of an app: its releases, its persistent filesystem, the folders it was given."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.app_settings import Mount

RELEASES_KEPT = 3


def tidy(app: App, persistent: bool) -> None:
    """Finish what was begun with the app's files when the sandbox ended."""
    for path in (app.folder / "releases").glob("*.index*"):
        path.unlink()
    for path in app.folder.glob("*.partial"):
        path.unlink()
    arrange_persistent(app, persistent)


def prune(app: App) -> None:
    """Delete the files of releases long replaced."""
    folders = [f for f in (app.folder / "releases").iterdir() if f.name.isdigit()]
    for folder in sorted(folders, key=lambda f: int(f.name))[:-RELEASES_KEPT]:
        if app.current is None or folder.name != str(app.current.build_id):
            shutil.rmtree(folder, ignore_errors=True)


def arrange_persistent(app: App, enabled: bool) -> None:
    """Make the persistent filesystem or delete it: `../mount` of the app's folder, and
    `~/mount`, as the platform documents it."""
    folder = app.folder / "mount"
    if enabled:
        folder.mkdir(parents=True, exist_ok=True)
    for parent in (app.folder / "releases", app.folder / "home"):
        (parent / "mount").unlink(missing_ok=True)
        if enabled:
            parent.mkdir(exist_ok=True)
            (parent / "mount").symlink_to("../mount")
    if not enabled:
        shutil.rmtree(folder, ignore_errors=True)


def arrange_mounts(app: App, build_id: int, mounts: Sequence[Mount]) -> None:
    """Let a release find the folders of this machine that the app was given."""
    release = app.release_folder(build_id)
    for mount in mounts:
        target = release / mount.target
        if not target.exists() or target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(mount.host)
