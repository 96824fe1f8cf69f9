"""Work that no error ends: what goes wrong is logged, and the work is done again after a pause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

from de_tasks.errors import DeTasksError

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY = 30.0
"""Work that went on for this many seconds has recovered: its pauses begin anew."""

OWN_ERROR = "The sandbox has failed internally; see server.log."
T = TypeVar("T")
logger = logging.getLogger(__name__)


def reason(error: Exception) -> str:
    """What went wrong, in a sentence for people."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (DeTasksError, OSError)):
        return str(error)
    return OWN_ERROR


async def supervise(
    what: str,
    work: Callable[[], Awaitable[str]],
    tell: Callable[[str], None],
    first: float = FIRST_PAUSE,
    longest: float = LONGEST_PAUSE,
) -> NoReturn:
    """Do the work again and again, with a pause that doubles from `first` to `longest` seconds.

    The work returns how it ended, such as `exited with status 1`; `tell` hears of it.
    """
    pause = first
    while True:
        began = time.monotonic()
        try:
            ended = await work()
        except Exception as error:
            _log(what, error)
            ended = f"cannot be started: {reason(error)}"
        if time.monotonic() - began > STEADY:
            pause = first
        tell(f"{ended}; starting again in {pause:.2g} s")
        await asyncio.sleep(pause)
        pause = min(pause * 2, longest)


async def until_done(
    what: str, work: Callable[[], Awaitable[T]], failed: Callable[[str], None] | None = None
) -> T:
    """Do the work until it succeeds; `failed` hears the reason of each failure."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await work()
        except Exception as error:
            _log(what, error)
            if failed:
                failed(reason(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def at_most_logged(what: str, work: Awaitable[object]) -> None:
    """Do what is good to have done, once."""
    try:
        await work
    except Exception as error:
        _log(what, error)


def _log(what: str, error: Exception) -> None:
    # A traceback is for what nobody foresaw.
    foreseen = isinstance(error, (DeTasksError, OSError))
    logger.error("%s: %s", what, error, exc_info=None if foreseen else error)
