"""A process that is started again and again knows that it is in a crash loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.server.runtime import supervised
from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.supervised import Standing, Supervised
from de_tasks.server.runtime.tree import Tree


async def standing_of(command: str, tmp_path: Path, until: Callable[[Standing], bool]) -> Standing:
    """How a supervised command is doing, once it is doing so."""

    async def start() -> Tree:
        if not command:
            raise PermissionError(13, "Permission denied")
        return await Tree.start(
            "sh",
            "-c",
            command,
            folder=tmp_path,
            environment={},
            hear=lambda lines: None,
            data=tmp_path,
            lock=None,
        )

    process = Supervised("worker", start, LogFile(tmp_path / "log", 1000))
    assert process.standing.state == "starting"
    process.keep()
    try:
        async with asyncio.timeout(30):
            while not until(process.standing):
                await asyncio.sleep(0.01)
        return process.standing
    finally:
        await process.stop(1)


@pytest.mark.parametrize(
    ("command", "last_exit"),
    [
        ("exit 3", "exited with status 3"),
        ("kill -9 $$", "ended by SIGKILL"),
        ("", "cannot be started: Permission denied"),
    ],
)
def test_what_ends_soon_is_crashing(command: str, last_exit: str, tmp_path: Path) -> None:
    found = asyncio.run(standing_of(command, tmp_path, lambda now: now.restarts > 0))
    assert (found.state, found.restarts, found.last_exit) == ("crashing", 1, last_exit)


def test_crashing_goes_on_while_it_runs_for_a_moment(tmp_path: Path) -> None:
    once = "test -e once && exec sleep 60; touch once; exit 3"
    found = asyncio.run(standing_of(once, tmp_path, lambda now: now.restarts > 0))
    assert found.state == "crashing"


def test_what_has_run_for_a_while_is_running_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "STEADY", 0)
    once = "test -e once && exec sleep 60; touch once; exit 3"
    down = asyncio.run(standing_of(once, tmp_path, lambda now: now.state == "exited"))
    (tmp_path / "once").unlink()
    up = asyncio.run(standing_of(once, tmp_path, up_again))
    assert down.last_exit == up.last_exit == "exited with status 3"
    assert up.since > down.since


def up_again(now: Standing) -> bool:
    return now.restarts > 0 and now.state == "running"
