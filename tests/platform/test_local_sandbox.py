"""The sandbox of this machine where it does not answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.platform import local_sandbox
from de_tasks.server import control


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a machine whose sandbox has run at one address."""
    last = control.Running(0, "http://127.0.0.1:8888", 8888, "", tmp_path)
    monkeypatch.setattr(control, "last_run", lambda folder: last)
    return Settings(sandbox_port=8888)


def test_only_the_address_of_the_sandbox_is_its_own(values: Settings) -> None:
    here = Host.parse("http://127.0.0.1:8888")
    assert "The sandbox is stopped. Start it: " in str(local_sandbox.stopped(values, here))
    for other in ("http://127.0.0.1:9999", "a.example"):
        assert local_sandbox.stopped(values, Host.parse(other)) is None


def test_where_no_sandbox_can_run_none_is_stopped(
    values: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "de_tasks.server", None)
    assert local_sandbox.stopped(values, Host.parse("http://127.0.0.1:8888")) is None
