"""A deploy in lines in which nothing changes: on a pipe, and in the log of a CI's job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from de_tasks.config import environment
from de_tasks.errors import DeployFailed
from de_tasks.health.causes import MARKED
from de_tasks.tasks import ci
from de_tasks.terminal import console
from de_tasks.terminal.abridged import Abridged, repeats
from de_tasks.terminal.text import readable

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event


def in_lines(event: Event) -> None:
    """Print an event: what is done to stdout, all else to stderr."""
    if event.kind == "log":
        console.note(event.text, log=True)
        return
    told = {"done": console.result, "progress": console.progress}
    told.get(event.kind, console.note)(event.text)


class Lines:
    """Lines in which nothing changes; the log whole if `verbose`."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._abridged = Abridged()
        self._held: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if event.kind == "log" and not self._verbose:
            if MARKED.match(event.text):
                # It may be what the end says.
                self._held.append(event)
                return
            if not self._abridged.keeps(event.text):
                return
        self._release()
        in_lines(event)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        end = str(error) if isinstance(error, DeployFailed) else ""
        self._held = [event for event in self._held if not end or not repeats(event.text, end)]
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        for event in held:
            in_lines(event)


class Grouped(Lines):
    """Lines in the log of a CI's job, the build's in a section that is closed when it is done;
    on GitHub, what made a deploy fail is an annotation of the job."""

    def __init__(self, verbose: bool = False) -> None:
        super().__init__(verbose)
        self._open = False
        self._title = "Build log"

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if event.kind == "log" and not self._open:
            ci.open_section(self._title)
            self._open = True
        elif event.kind == "progress" and "seconds" in event.facts:
            # The build has ended, and the app is waited for.
            self._title = "Log of web"
            self._close()
        elif event.kind not in ("log", "progress", "wait"):
            self._close()
        super().__call__(event)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        super().__exit__(kind, error, trace)
        self._close()
        if environment.on_github() and isinstance(error, DeployFailed):
            cause = readable(str(error).splitlines()[-1]).replace("%", "%25")
            console.annotation(f"::error title=Deploy failed::{cause}", out=False)

    def _close(self) -> None:
        if self._open:
            self._release()
            ci.close_section()
        self._open = False
