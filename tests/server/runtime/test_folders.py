"""What an app puts into its own folder reaches nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server.runtime.app import App, Release
from de_tasks.server.runtime.app_settings import Mount
from de_tasks.server.runtime.folders import arrange_mounts, arrange_persistent, prune, tidy


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An app with folders, and a neighbour with a mount."""
    for folder in ("own/home", "own/releases/1", "own/logs", "neighbour/mount"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "neighbour" / "mount" / "data").write_text("precious")
    return App(1, "own", tmp_path / "own")


def full(app: App) -> None:
    (app.folder / "home" / "mount").mkdir()
    (app.folder / "home" / "mount" / "own.txt").touch()


def file(app: App) -> None:
    (app.folder / "mount").touch()


def link(app: App) -> None:
    (app.folder / "home").rmdir()
    (app.folder / "home").symlink_to("../neighbour")


OWN = [full, file, link]


@pytest.mark.parametrize("puts", OWN)
def test_what_is_in_the_way_is_told(puts: Callable[[App], None], app: App, tmp_path: Path) -> None:
    puts(app)
    with pytest.raises(DeTasksError, match="The app has "):
        arrange_persistent(app, True)
    assert (tmp_path / "neighbour" / "mount" / "data").read_text() == "precious"


@pytest.mark.parametrize("puts", OWN)
def test_nothing_of_it_is_touched_without_a_persistent_filesystem(
    puts: Callable[[App], None], app: App, tmp_path: Path
) -> None:
    puts(app)
    tidy(app, False)
    assert (tmp_path / "neighbour" / "mount" / "data").read_text() == "precious"
    assert puts is not full or (app.folder / "home" / "mount" / "own.txt").exists()


def test_persistent_filesystem_is_made_and_removed(app: App) -> None:
    (app.folder / "home" / "mount").mkdir()
    arrange_persistent(app, True)
    (app.folder / "home" / "mount" / "kept").touch()
    arrange_persistent(app, True)
    assert (app.folder / "releases" / "mount" / "kept").exists()
    arrange_persistent(app, False)
    assert not (app.folder / "mount").exists() and not (app.folder / "home" / "mount").is_symlink()


def test_folder_is_not_mounted_elsewhere(app: App, tmp_path: Path) -> None:
    (app.folder / "releases" / "1" / "data").symlink_to(tmp_path / "neighbour")
    with pytest.raises(DeTasksError, match="leads out of the app's folder"):
        arrange_mounts(app, 1, [Mount(tmp_path, "data/here")])


def test_logs_of_builds_are_moved_apart(app: App) -> None:
    for name in ("build-7.log", "build-7.log.1", "build-assets.log", "web.log"):
        (app.folder / "logs" / name).write_text(name)
    tidy(app, False)
    assert (app.folder / "logs" / "builds" / "7.log").read_text() == "build-7.log"
    left = {path.name for path in (app.folder / "logs").iterdir()}
    assert left == {"builds", "build-assets.log", "web.log"}


def test_link_that_is_right_stays_the_same_one(app: App, tmp_path: Path) -> None:
    shared = Mount(tmp_path / "neighbour" / "mount", "shared")
    links = [app.release_folder(1) / "shared", app.folder / "home" / "mount"]
    seen = []
    for _ in range(2):
        arrange_mounts(app, 1, [shared])
        arrange_persistent(app, True)
        seen.append([link.lstat().st_ino for link in links])
    assert seen[0] == seen[1]
    arrange_mounts(app, 1, [Mount(tmp_path / "neighbour", "shared")])
    assert links[0].resolve() == tmp_path / "neighbour"


def test_what_an_interrupted_build_left_is_removed(app: App) -> None:
    left = ("releases/2.index", "releases/2.index.lock", "thumbnail.partial", "workshop/app.py")
    for name in left:
        (app.folder / name).parent.mkdir(exist_ok=True)
        (app.folder / name).touch()
    (app.folder / "releases/1/app.py").touch()
    tidy(app, False)
    assert not any((app.folder / name).exists() for name in left)
    assert (app.folder / "releases/1/app.py").exists()


def test_releases_long_replaced_are_deleted_unless_they_run(app: App) -> None:
    for number in range(2, 12):
        (app.folder / "releases" / str(number)).mkdir()
    # The first one still answers its last requests.
    app.replaced.append(Release(1, "environment", {}))
    prune(app)
    names = {path.name for path in (app.folder / "releases").iterdir()}
    assert names == {"1", "9", "10", "11"}
