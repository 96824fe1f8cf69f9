"""Log files with cursors: every line has a number, and readers wait for later numbers.

A file is rotated once at its limit, so a log takes at most twice that on the disk.
Format of a line: number, time and text, separated by tabs.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.server.database import timestamp

LONGEST_LINE = 16 * 1024
RECENT = 1000
PIECE = 64 * 1024
AT_ONCE = 500
"""Lines that are written before others get their turn: an app may print nothing but line ends."""


@dataclass(frozen=True)
class Line:
    """One line of a log. `number` counts from 1 and is the cursor of the API."""

    number: int
    time: str
    text: str


class Pulse:
    """Wakes everybody who waits, each time it fires."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        """Wake those who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """True when it fired, False when the time ran out first."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


class LogFile:
    """An append-only log of lines."""

    def __init__(self, path: Path, limit: int = 4 * 1024**2) -> None:
        self.path = path
        self.changed = Pulse()
        self._limit = limit
        self._recent: deque[Line] = deque(self._stored(), maxlen=RECENT)
        self._last = self._recent[-1].number if self._recent else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a", encoding="utf-8", newline="\n")
        if self._torn():
            self._stream.write("\n")

    @property
    def last(self) -> int:
        """Number of the newest line, 0 when there is none."""
        return self._last

    def append(self, text: str) -> None:
        """Add text; each of its lines becomes a line of the log, over-long ones are cut up."""
        now = timestamp()
        for piece in text.splitlines() or [""]:
            for start in range(0, len(piece) or 1, LONGEST_LINE):
                self._last += 1
                line = Line(self._last, now, piece[start : start + LONGEST_LINE])
                self._recent.append(line)
                self._stream.write(f"{line.number}\t{line.time}\t{line.text}\n")
        self._stream.flush()
        if self._stream.tell() > self._limit:
            self._rotate()
        self.changed.fire()

    def tail(self, count: int, after: int = 0) -> list[Line]:
        """The newest `count` lines whose number is above `after`."""
        in_memory = self._recent[0].number if self._recent else 1
        wanted = max(after + 1, self._last - count + 1)
        lines = self._recent if wanted >= in_memory else self._stored()
        return [line for line in lines if line.number > after][-count:] if count > 0 else []

    def close(self) -> None:
        """Close the file; readers are woken."""
        self._stream.close()
        self.changed.fire()

    def _rotate(self) -> None:
        self._stream.close()
        self.path.replace(self._old)
        self._stream = self.path.open("a", encoding="utf-8", newline="\n")

    def _torn(self) -> bool:
        """Whether the last line has no end, since whoever wrote it was killed."""
        if not self._stream.tell():
            return False
        with self.path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read() != b"\n"

    @property
    def _old(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def _stored(self) -> Iterator[Line]:
        for path in (self._old, self.path):
            if not path.is_file():
                continue
            with path.open(encoding="utf-8", errors="replace", newline="\n") as stream:
                for raw in stream:
                    number, _, rest = raw.rstrip("\n").partition("\t")
                    time, _, text = rest.partition("\t")
                    if number.isdigit():
                        yield Line(int(number), time, text)


async def copy_lines(reader: asyncio.StreamReader, log: LogFile) -> None:
    """Append what is read, line by line, up to its end."""
    rest = b""
    while chunk := await reader.read(PIECE):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for start in range(0, len(lines), AT_ONCE):
            log.append(b"\n".join(lines[start : start + AT_ONCE]).decode("utf-8", "replace"))
            # A reader that has more does not let others in by itself.
            await asyncio.sleep(0)
    if rest:
        log.append(rest.decode("utf-8", "replace"))
