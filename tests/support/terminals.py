"""Programs on a terminal of their own, which shows what they write and echoes what is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.waiting import BOUND, until

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A program and its terminal; ends with the `with` block."""

    def __init__(self, words: Sequence[str], folder: Path, variables: Mapping[str, str]):
        self._screen, theirs = pty.openpty()
        self._child = subprocess.Popen(
            list(words),
            cwd=folder,
            env=variables,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._raw = b""
        self._read_to = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._screen)

    @property
    def text(self) -> str:
        """All that was shown, without what moves the cursor."""
        return ESCAPES.sub("", self.raw)

    @property
    def raw(self) -> str:
        """All that was written."""
        return self._raw.decode("utf-8", "replace")

    def shows(self, words: str) -> None:
        """Wait until the terminal has shown words, after those that were waited for before."""
        deadline = time.monotonic() + BOUND
        while (found := self.text.find(words, self._read_to)) < 0:
            # What moves is written for ever.
            assert time.monotonic() < deadline, f"no {words!r} within {BOUND:.0f} s: {self.text!r}"
            assert self._read(), f"the program ended without {words!r}: {self.text!r}"
        self._read_to = found + len(words)

    def type(self, text: str) -> None:
        """Type a text as it is: a line ends with a newline."""
        os.write(self._screen, text.encode())

    def interrupt(self) -> None:
        """Type Ctrl-C, once the program waits: where one comes just before a system call, Python
        sees it when that returns, which a wait for a person does not do."""
        until(self._waits, "the program waits")
        self.type("\x03")

    def _waits(self) -> bool:
        """Whether its main thread does nothing, where Linux shows it."""
        switches = [self._switches()]
        time.sleep(0.05)
        return switches == [self._switches()]

    def _switches(self) -> str:
        try:
            status = Path(f"/proc/{self._child.pid}/status").read_text()
        except OSError:
            return ""
        state, switches = status.partition("State:")[2], status.partition("\nvoluntary")[2]
        # One that works is another each time.
        return switches if state.split()[0] == "S" else str(time.monotonic())

    def end(self) -> int:
        """Wait until the program has ended; returns its exit status."""
        deadline = time.monotonic() + BOUND
        while self._read():
            assert time.monotonic() < deadline, f"it goes on: {self.text[-2000:]!r}"
        return self._child.wait(BOUND)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._screen], [], [], BOUND)
        assert ready, f"nothing more within {BOUND:.0f} s: {self.text!r}"
        try:
            piece = os.read(self._screen, 4096)
        except OSError:
            return False  # Linux says so when the other side is closed.
        self._raw += piece
        return bool(piece)
