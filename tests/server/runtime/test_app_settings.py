"""Folders that an app is given stay inside its own, and come from the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from de_tasks.errors import NotFound, UsageError
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.app_settings import AppSettings, inside
from tests.support.shop import database_of_a_shop


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[AppSettings]:
    """Settings of app 1, where folders below `allowed` may be mounted."""
    database = database_of_a_shop(tmp_path)
    (tmp_path / "allowed" / "data").mkdir(parents=True)
    none = cast(Any, None)
    yield AppSettings(database, none, none, (tmp_path / "allowed",))
    database.close()


@pytest.mark.parametrize("target", ["", "/", "/app/", ".", "./", "..", "a/../../b", "/app/../x"])
def test_target_outside_of_the_folder_of_the_app_is_refused(target: str) -> None:
    with pytest.raises(UsageError) as refused:
        inside(target)
    assert str(refused.value) == f"{target!r} is not a folder inside the app's own."


@pytest.mark.parametrize("target", ["data/in", "/data/in/", "/app/data/in", "/app/data/in/"])
def test_target_is_the_same_however_it_is_written(target: str) -> None:
    assert inside(target) == "data/in"


def test_folder_that_is_not_there_cannot_be_mounted(settings: AppSettings, tmp_path: Path) -> None:
    host = str(tmp_path / "allowed" / "other")
    with pytest.raises(NotFound, match=f"^There is no folder {host}.$"):
        settings.add_mount(1, host, "data")
    assert settings.mounts(1) == []


def test_link_out_of_an_allowed_folder_is_not_mounted(
    settings: AppSettings, tmp_path: Path
) -> None:
    (tmp_path / "allowed" / "link").symlink_to(tmp_path)
    with pytest.raises(Refused, match="Only directories specified in the Allowed Directories"):
        settings.add_mount(1, str(tmp_path / "allowed" / "link"), "data")


def test_mount_that_is_not_there_cannot_be_removed(settings: AppSettings, tmp_path: Path) -> None:
    host = str(tmp_path / "allowed" / "data")
    settings.add_mount(1, host, "data")
    with pytest.raises(NotFound, match=f"^{host} is not mounted at other.$"):
        settings.remove_mount(1, host, "other")
    settings.remove_mount(1, host, "/app/data/")
    assert settings.mounts(1) == []
