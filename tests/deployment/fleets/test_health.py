"""How the apps of a fleet stand, where not all is well."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from de_tasks.deployment.fleets import health
from de_tasks.deployment.fleets.apps import FleetApp
from de_tasks.deployment.fleets.health import AppHealth, Subject
from de_tasks.errors import UsageError
from de_tasks.net.http import Transport
from de_tasks.platform.models import App, Build
from tests.support.canned import serving
from tests.support.gitserver import git

BUILT = Build("7", "built", "a" * 40, "Deploy it\n\nDe-Source: abcdef0", "dev", "")


def looked(folder: Path, url: str = "", build: Build | None = BUILT) -> AppHealth:
    """How the app in a folder stands, whose host tells of one build."""
    app = App("shop", "dev", url, "", True, build=build)
    older = replace(BUILT, id="6", status="cancelled")
    platform = SimpleNamespace(app=lambda name: app, builds=lambda name: iter([build, older]))

    def trusted(address: str) -> str:
        if "elsewhere" in address:
            raise UsageError("That is not for our eyes.")
        return address

    there = Subject(FleetApp("shop", folder), "here", platform, Transport(trusted=trusted))  # type: ignore[arg-type]
    (found,) = health.look([there])
    return found


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}/shop/"


def test_app_that_does_not_answer_is_not_healthy(tmp_path: Path, closed: str) -> None:
    found = looked(tmp_path, closed)
    assert (found.health, found.healthy) == ("no answer", False)
    found = looked(tmp_path, "http://elsewhere.example/shop/")
    assert (found.health, found.healthy) == ("cannot be asked", False)
    with serving((), shop=(503, {})) as broken:
        found = looked(tmp_path, f"{broken.url}/shop")
    assert (found.health, found.healthy) == ("answers 503", False)


def test_commit_that_is_not_here_is_named(tmp_path: Path, closed: str) -> None:
    git(tmp_path, "init", "-q")
    found = looked(tmp_path, closed)
    assert found.undeployed is None
    assert found.why.startswith("unknown: There is no commit 'abcdef0' in ")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("By hand", "unknown: it was not deployed from a commit"),
        ("x\n\nDe-Source: abcdef0-dirty", "unknown: it was deployed with uncommitted changes"),
    ],
)
def test_deploy_from_no_commit_is_compared_with_nothing(
    tmp_path: Path, closed: str, message: str, why: str
) -> None:
    found = looked(tmp_path, closed, replace(BUILT, message=message))
    assert (found.undeployed, found.why) == (None, why)


def test_app_without_a_good_build_is_not_asked(tmp_path: Path) -> None:
    found = looked(tmp_path, "http://elsewhere.example/", replace(BUILT, status="failed"))
    assert (found.health, found.healthy, found.why) == ("-", None, "no build has succeeded")
