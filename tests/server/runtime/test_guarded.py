"""Work that goes on after any error."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from de_tasks.server.runtime import guarded
from de_tasks.server.runtime.guarded import at_most_logged, supervise, until_done
from tests.support.waiting import BOUND

ERRORS = (OSError(24, "Too many open files"), ValueError("unforeseen"), OSError(28, "Disk is full"))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "FIRST_PAUSE", 0.0)


def failing(result: str) -> Callable[[], Awaitable[str]]:
    """Work that fails with each of the errors before it succeeds."""
    left = list(ERRORS)

    async def work() -> str:
        if left:
            raise left.pop(0)
        return result

    return work


def test_work_is_done_again_until_it_succeeds() -> None:
    heard: list[str] = []
    assert asyncio.run(until_done("work", failing("done"), heard.append)) == "done"
    assert heard == ["Too many open files", guarded.OWN_ERROR, "Disk is full"]


def test_supervisor_outlives_every_error() -> None:
    heard: list[str] = []
    work = failing("exited with status 1")

    async def run() -> None:
        task = asyncio.create_task(supervise("work", work, heard.append, first=0.0))
        while len(heard) < 5 and not task.done():
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(asyncio.wait_for(run(), BOUND))
    assert heard[0] == "cannot be started: Too many open files; starting again in 0 s"
    assert heard[4] == "exited with status 1; starting again in 0 s"


@pytest.mark.parametrize("error", ERRORS)
def test_what_is_only_good_to_have_done_stops_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        raise error

    asyncio.run(at_most_logged("old releases", work()))
    (record,) = caplog.records
    assert "old releases" in record.message
    # Nobody foresaw this one.
    assert bool(record.exc_info) == isinstance(error, ValueError)
