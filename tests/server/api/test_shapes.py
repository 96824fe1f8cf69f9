"""Logs as the API answers them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import cast

import pytest

from de_tasks.server.api.endpoint import ApiError, Context
from de_tasks.server.api.resolvers.shapes import log_page
from de_tasks.server.runtime.logs import Line, LogFile
from de_tasks.server.users.accounts import User
from de_tasks.server.users.rate_limit import Budget
from tests.support.waiting import BOUND


class HeldUp(LogFile):
    """A log whose reading takes until somebody else has had a turn."""

    others = threading.Event()

    def tail(self, count: int, after: int = 0) -> list[Line]:
        """The lines; none where nobody had a turn."""
        return super().tail(count, after) if self.others.wait(BOUND) else []


def context(lines: int) -> Context:
    """A request that may have so many lines."""
    user = User("dev", "licensed_user")

    async def find() -> User:
        return user

    return Context(user, "", cast(Budget, None), find, lines)


def test_reading_a_log_leaves_the_loop_to_others(tmp_path: Path) -> None:
    log = HeldUp(tmp_path / "web.log")
    log.append("line")

    async def read() -> int:
        page = asyncio.create_task(log_page(context(9), log, "web", 9, None))
        await asyncio.sleep(0)
        log.others.set()
        return len((await page)["lines"])

    assert asyncio.run(read()) == 1


def test_logs_that_are_read_at_once_have_the_lines_of_one_request(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    log.append("one\ntwo\nthree")

    async def read() -> list[int]:
        asked = context(5)
        pages = await asyncio.gather(*(log_page(asked, log, "web", 9, None) for _ in range(2)))
        with pytest.raises(ApiError, match="too many log lines"):
            await log_page(asked, log, "web", 9, None)
        return [len(page["lines"]) for page in pages]

    assert asyncio.run(read()) == [3, 2]
