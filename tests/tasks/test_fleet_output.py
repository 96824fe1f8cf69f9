"""The table of a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.deployment.fleets.apps import FleetApp
from de_tasks.deployment.fleets.health import AppHealth
from de_tasks.platform.models import Build
from de_tasks.tasks import fleet_output

BUILT = Build("7", "built", "0123456789abcdef", "Deploy", "dev", "")
"""A build that another tool has made: it names no commit but its own."""


@pytest.mark.parametrize(
    ("other", "heads", "row"),
    [
        (
            "one.example",
            ["NAME", "RELEASE", "COMMIT", "AGE", "HEALTH", "NOT DEPLOYED"],
            ["shop", "7", "0123456789", "-", "-", "build 8 is failed"],
        ),
        (
            "two.example",
            ["NAME", "HOST", "RELEASE", "COMMIT", "AGE", "HEALTH", "NOT DEPLOYED"],
            ["shop", "one.example", "7", "0123456789", "-", "-", "build 8 is failed"],
        ),
    ],
)
def test_hosts_are_named_where_there_are_several(
    other: str, heads: list[str], row: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Build("8", "failed", "", "", "", "")
    shop = AppHealth(FleetApp("shop", Path()), "one.example", True, BUILT, failed)
    fleet_output.show([shop, AppHealth(FleetApp("none", Path()), other, False)])
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.replace("NOT DEPLOYED", "NOT_DEPLOYED").split() == [
        head.replace(" ", "_") for head in heads
    ]
    assert second.split(maxsplit=len(row) - 1) == row
