"""What a program prints, as lines: never waited for without end, however long a line is."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable

from de_tasks.server.runtime.logs import LONGEST_LINE

PIECE = 64 * 1024
AT_ONCE = 500
"""Lines that are heard before others get their turn: an app may print nothing but line ends."""
LATE = 1.0
"""Seconds for what a program that has ended still has in its pipe. Whoever holds the pipe open
after that, in a session of its own, is not heard any more."""

logger = logging.getLogger(__name__)


class Output:
    """A pipe for a program to print to; `hear` gets the lines as they come.

    A pipe of our own: asyncio's would let `wait` wait for whoever else holds it open.
    """

    def __init__(self, hear: Callable[[list[str]], None]) -> None:
        reading, self._writing = os.pipe()
        self._reader = asyncio.create_task(_read(reading, hear))

    @property
    def descriptor(self) -> int:
        """What the program is given as its stdout."""
        return self._writing

    def given(self) -> None:
        """The program has the descriptor, or will never have it."""
        os.close(self._writing)

    async def end(self) -> None:
        """Hear what the program, which has ended, has left in the pipe."""
        await asyncio.wait({self._reader}, timeout=LATE)
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


async def _read(descriptor: int, hear: Callable[[list[str]], None]) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        rest = b""
        while chunk := await stream.read(PIECE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for start in range(0, len(lines), AT_ONCE):
                _tell(hear, lines[start : start + AT_ONCE])
                # A stream that has more does not let others in by itself.
                await asyncio.sleep(0)
        _tell(hear, [rest] if rest else [])
    finally:
        transport.close()


def _tell(hear: Callable[[list[str]], None], lines: list[bytes]) -> None:
    try:
        if lines:
            hear([line.decode("utf-8", "replace") for line in lines])
    except Exception:
        # A program whose output nobody reads would stop: go on reading.
        logger.exception("%d lines of output are lost", len(lines))
