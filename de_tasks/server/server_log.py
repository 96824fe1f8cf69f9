"""The server's own log, `server.log` in its data directory, where its stdout and stderr go when it
runs detached. It is rotated once at its limit, so it takes at most twice that on the disk."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

NAME = "server.log"
LIMIT = 4 * 1024**2
"""Bytes."""
FORMAT = "%(asctime)s %(name)s: %(message)s"


class ServerLog(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr, and rotates the file that stderr is."""

    def __init__(self, data: Path, limit: int = LIMIT) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(logging.Formatter(FORMAT))
        self._path = data / NAME
        self._limit = limit

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        # A log that cannot be rotated, as the disk is full, ends no server.
        with suppress(OSError):
            if self._is_ours() and os.fstat(2).st_size > self._limit:
                self._rotate()

    def _is_ours(self) -> bool:
        """Whether stderr is the log: in the foreground it may be anything."""
        return os.path.samestat(os.fstat(2), self._path.stat())

    def _rotate(self) -> None:
        self._path.replace(self._path.with_name(f"{NAME}.1"))
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # What is not logging, such as the interpreter's last words, goes there as well.
            for descriptor in (1, 2):
                os.dup2(file, descriptor)
        finally:
            os.close(file)
