"""Log files with cursors: every line has a number, and readers wait for later numbers.

A file is rotated once at its limit, so a log takes at most twice that on the disk.
Format of a line: number, time and text, separated by tabs.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from de_tasks.server.database import timestamp

LONGEST_LINE = 16 * 1024
RECENT = 1000
PIECE = 64 * 1024

logger = logging.getLogger(__name__)


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
    """An append-only log of lines.

    A disk that is full costs lines of the file, not the work that is logged.
    """

    def __init__(self, path: Path, limit: int = 4 * 1024**2) -> None:
        self.path = path
        self.changed = Pulse()
        self._limit = limit
        self._stream: FileIO | None = None
        self._torn = self._failing = self._closed = False
        try:
            self._recent = deque(self._stored(RECENT), maxlen=RECENT)
        except OSError:
            self._recent = deque(maxlen=RECENT)
        self._last = self._recent[-1].number if self._recent else 0

    @property
    def last(self) -> int:
        """Number of the newest line, 0 when there is none."""
        return self._last

    def append(self, text: str) -> None:
        """Add text; each of its lines becomes a line of the log, over-long ones are cut up."""
        now = timestamp()
        written = []
        for piece in text.splitlines() or [""]:
            for start in range(0, len(piece) or 1, LONGEST_LINE):
                self._last += 1
                line = Line(self._last, now, piece[start : start + LONGEST_LINE])
                self._recent.append(line)
                written.append(f"{line.number}\t{line.time}\t{line.text}\n")
        try:
            if not self._closed:
                self._write("".join(written).encode("utf-8", "backslashreplace"))
            self._failing = False
        except OSError as error:
            if not self._failing:
                logger.error("%s misses lines: %s", self.path, error.strerror)
            self._failing = self._torn = True
        self.changed.fire()

    def tail(self, count: int, after: int = 0) -> list[Line]:
        """The newest `count` lines whose number is above `after`. It may run in any thread."""
        # A copy, since whoever writes does so meanwhile.
        lines = list(self._recent)
        in_memory = lines[0].number if lines else 1
        wanted = max(after + 1, self._last - count + 1)
        if wanted < in_memory:
            lines = self._stored(count)
        return [line for line in lines if line.number > after][-count:] if count > 0 else []

    def close(self) -> None:
        """Close the file; readers are woken. What is added later is not kept."""
        self._closed = True
        if self._stream:
            self._stream.close()
            self._stream = None
        self.changed.fire()

    def _write(self, data: bytes) -> None:
        self._stream = self._stream or self._open()
        # Unbuffered: what could not be written is not tried again with each later line.
        rest = memoryview(b"\n" + data if self._torn else data)
        while rest:
            rest = rest[self._stream.write(rest) :]
        self._torn = False
        if self._stream.tell() > self._limit:
            self.path.replace(self._old)
            self._stream.close()
            self._stream = None

    def _open(self) -> FileIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        stream = open(self.path, "ab", buffering=0, opener=_own_file)
        self._torn = self._torn or self._ends_torn()
        return stream

    def _ends_torn(self) -> bool:
        """Whether the last line has no end, since whoever wrote it was killed."""
        with self.path.open("rb") as stream:
            if not stream.seek(0, os.SEEK_END):
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read() != b"\n"

    @property
    def _old(self) -> Path:
        return self.path.with_name(self.path.name + ".1")

    def _stored(self, count: int) -> list[Line]:
        """The newest `count` lines of the files."""
        lines = _newest(self.path, count)
        if len(lines) < count:
            # The newer file may have taken the older one's place meanwhile.
            older = _newest(self._old, count - len(lines))
            lines = [old for old in older if not lines or old.number < lines[0].number] + lines
        return lines


def _newest(path: Path, count: int) -> list[Line]:
    """The last `count` lines of a file, which is read from its end."""
    if not path.is_file():
        return []
    pieces: list[bytes] = []
    with path.open("rb") as stream:
        at, ends = stream.seek(0, os.SEEK_END), 0
        # One more than the lines: what was read begins in the middle of one.
        while at and ends <= count:
            begin = max(0, at - PIECE)
            stream.seek(begin)
            pieces.append(stream.read(at - begin))
            ends, at = ends + pieces[-1].count(b"\n"), begin
    raw = b"".join(reversed(pieces)).split(b"\n")
    return [line for text in raw[1 if at else 0 :] if (line := _parsed(text))][-count:]


def _parsed(raw: bytes) -> Line | None:
    number, _, rest = raw.decode("utf-8", "replace").partition("\t")
    time, _, text = rest.partition("\t")
    return Line(int(number), time, text) if number.isdigit() else None


def _own_file(path: str, flags: int) -> int:
    # An app can put a link here, or a pipe that nobody reads.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
