"""Which version a host is."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.auth.store import Store
from de_tasks.config.settings import Settings, load
from de_tasks.errors import UsageError
from de_tasks.platform.de import output
from de_tasks.platform.version import remember, version_of


def test_setting_then_memory_then_five(tmp_path: Path) -> None:
    kept = Store.at(tmp_path / "login.json")
    assert version_of(Settings(), kept, "a.example") == 5
    remember(kept, "a.example", 4)
    assert version_of(Settings(host="a.example"), kept) == 4
    assert version_of(Settings(version=5), kept, "a.example") == 5


def test_memory_that_cannot_be_read_or_written_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    file.write_text("of another tool")
    kept = Store.at(file)
    remember(kept, "a.example", 4)
    assert version_of(Settings(host="a.example"), kept) == 5
    assert file.read_text() == "of another tool"
    remember(Store.at(file / "below"), "a.example", 4)


def test_other_version_is_refused() -> None:
    assert load({}, {"INVOKE_DE_VERSION": "4"}).version == 4
    with pytest.raises(UsageError, match=r"de\.version is 4 or 5, not 6"):
        load({"version": 6}, {})


def test_version_of_de_is_read() -> None:
    assert output.version("de_client, version 1.9.0\n") == (1, 9, 0)
    assert output.version("nothing") == ()
