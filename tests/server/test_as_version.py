"""The version that a sandbox builds as is remembered with its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from de_tasks.server.as_version import DEFAULT_VERSION, kept, settle


def test_version_is_kept_until_another_is_asked_for(tmp_path: Path) -> None:
    assert settle(tmp_path, 0) == DEFAULT_VERSION
    assert settle(tmp_path, 4) == settle(tmp_path, 0) == kept(tmp_path) == 4
    assert settle(tmp_path, 5) == settle(tmp_path, 0) == 5


def test_version_that_does_not_exist_is_refused_and_not_kept(tmp_path: Path) -> None:
    settle(tmp_path, 4)
    with pytest.raises(UsageError, match=r"^--as is 4 or 5, not 6\.$"):
        settle(tmp_path, 6)
    assert kept(tmp_path) == 4
