"""Commands of apps without an app: what they print and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from de_tasks.server.runtime.tree import Tree
from tests.support.waiting import BOUND

T = TypeVar("T")


def ran(
    folder: Path, command: str, with_it: Callable[[Tree], Awaitable[T]], **variables: str
) -> tuple[T, list[str]]:
    """Start a command line; what was done with it returned, and the lines that it printed."""
    lines: list[str] = []

    async def run() -> T:
        tree = await Tree.start(
            *("/bin/sh", "-c", command),
            folder=folder,
            environment={"PATH": "/usr/local/bin:/usr/bin:/bin", **variables},
            hear=lines.extend,
            data=folder,
            lock=None,
        )
        async with asyncio.timeout(BOUND):
            return await with_it(tree)

    return asyncio.run(run()), lines
