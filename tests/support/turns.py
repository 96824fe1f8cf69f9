"""Whether work on an event loop lets others have their turn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable


async def turns_beside(work: Awaitable[object]) -> int:
    """How often something else had its turn before the work was done."""
    turns = itertools.count()

    async def other() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    try:
        await work
    finally:
        beside.cancel()
    return next(turns)
