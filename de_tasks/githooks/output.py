"""How a hook tells of a deploy: its steps and its end; its log when it fails."""

from __future__ import annotations

import sys
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from de_tasks.errors import DeployFailed
from de_tasks.terminal import console, live

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event

LAST_LINES = 20


class DeployOutput:
    """Takes the events of a deploy. On a terminal the log goes by in one line that changes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._log: deque[str] = deque(maxlen=LAST_LINES)

    def __enter__(self) -> DeployOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        live.clear()
        if isinstance(error, DeployFailed):
            from de_tasks.terminal.abridged import abridged, repeats

            for line in abridged(self._log):
                if not repeats(line, str(error)):
                    console.note(f"    {line}", log=True)

    def __call__(self, event: Event) -> None:
        """Tell an event, or keep it for the end."""
        if event.kind == "log":
            self._log.append(event.text)
        if event.kind not in ("log", "progress"):
            console.note(f"{self._name}: {event.text}")
        elif sys.stderr.isatty():
            console.progress(event.text)
