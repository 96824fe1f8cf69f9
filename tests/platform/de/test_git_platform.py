"""Whose build it is that `de` speaks of after a push of our own."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.deployment.watch import follow
from de_tasks.errors import DeployFailed
from de_tasks.net.retry import Policy
from de_tasks.platform.de.command import De
from de_tasks.platform.de.git_platform import GitPlatform
from de_tasks.platform.models import NEVER_DEPLOYED

SCRIPT = """import pathlib, sys
place = pathlib.Path(__file__).parent
print((place / ("log" if "logs" in sys.argv else "status")).read_text())
"""


@pytest.fixture
def platform(tmp_path: Path) -> GitPlatform:
    """The platform over a `de` that says what is in two files, after its log was noted."""
    (tmp_path / "de.py").write_text(SCRIPT)
    say(tmp_path, "built", "of before")
    settings = Settings(executable=str(tmp_path / "de.py"))
    de = De.of(settings, Host.parse("a.example"), {"PATH": sys.exec_prefix}, Policy(attempts=1))
    found = GitPlatform(de, Mock())
    found.note_log("shop")
    return found


def say(folder: Path, status: str, *log: str) -> None:
    (folder / "status").write_text(status)
    (folder / "log").write_text("\n".join(log))


def test_state_of_before_the_push_does_not_count(platform: GitPlatform, tmp_path: Path) -> None:
    assert platform.build("shop") is None
    say(tmp_path, "failed", "of before")
    assert platform.build("shop") is None


def test_app_that_was_never_deployed_has_no_build(platform: GitPlatform, tmp_path: Path) -> None:
    say(tmp_path, NEVER_DEPLOYED)
    assert platform.build("shop") is None


def test_build_seen_at_work_is_the_pushes(platform: GitPlatform, tmp_path: Path) -> None:
    say(tmp_path, "building", "of before")
    assert (seen := platform.build("shop")) and seen.status == "building"
    say(tmp_path, "built", "of before")
    assert (seen := platform.build("shop")) and seen.status == "built"


def test_changed_log_is_the_pushes(platform: GitPlatform, tmp_path: Path) -> None:
    say(tmp_path, "built", "of before", "of now")
    seen = platform.build("shop")
    assert seen and [line.text for line in seen.log.lines] == ["of now"]


def test_cancelled_build_ends_the_deploy(platform: GitPlatform, tmp_path: Path) -> None:
    say(tmp_path, "cancelled", "new")
    with pytest.raises(DeployFailed, match="cancelled"):
        list(follow(platform, "shop", "abc", (0,), deadline=float("inf")))
