"""What programs print: a flood of lines holds nobody up."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from de_tasks.server.runtime.logs import LogFile
from de_tasks.server.runtime.output import Output
from tests.support.turns import turns_beside
from tests.support.waiting import BOUND

LINES = 50_000


def test_flood_of_empty_lines_lets_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("de_tasks.server.runtime.output.LATE", BOUND)
    log = LogFile(tmp_path / "web.log")

    async def run() -> int:
        output = Output(lambda lines: log.append("\n".join(lines)))
        # A pipe takes as much at once: nothing is read before the turns are counted.
        os.write(output.descriptor, b"\n" * LINES)
        output.given()
        return await turns_beside(output.end())

    assert asyncio.run(run()) >= LINES // 1000
