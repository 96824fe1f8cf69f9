"""Logs of apps: a flood of lines holds nobody up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from de_tasks.server.runtime.logs import LogFile, copy_lines
from tests.support.turns import turns_beside

LINES = 50_000


def test_flood_of_empty_lines_lets_others_have_their_turn(tmp_path: Path) -> None:
    async def run() -> int:
        reader, log = asyncio.StreamReader(), LogFile(tmp_path / "web.log")
        reader.feed_data(b"\n" * LINES)
        reader.feed_eof()
        return await turns_beside(copy_lines(reader, log))

    assert asyncio.run(run()) >= LINES // 1000
