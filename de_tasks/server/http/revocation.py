"""What is open ends soon after whoever opened it has lost the right to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

CHECK_SECONDS = 1.0
"""Between two looks at whether it is still allowed: a few reads of the database each."""

Allowed = Callable[[], bool]


async def done_while(allowed: Allowed, tasks: Iterable[asyncio.Task[None]]) -> bool:
    """Wait until one of the tasks is done; False once it is no longer allowed to wait."""
    waited = list(tasks)
    while True:
        done, _ = await asyncio.wait(
            waited, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if done:
            return True
        if not allowed():
            return False
