"""How a deploy is shown: on a screen, in lines, in a CI, and in JSON lines for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from de_tasks.config import environment
from de_tasks.errors import DeployFailed, DeTasksError
from de_tasks.terminal import console, style
from de_tasks.terminal.text import readable

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event


@contextmanager
def shown(json: bool, verbose: bool = False) -> Iterator[Callable[[Event], None]]:
    """What the events of one deploy are told to."""
    if json:
        yield in_json
    elif environment.on_github():
        with Grouped() as grouped:
            yield grouped
    elif not style.for_people():
        yield in_lines
    else:
        from de_tasks.tasks.deploy_screen import Screen

        # Where no line can change, the log is what shows life.
        screen = Screen(verbose or not style.moving())
        try:
            yield screen
        except (DeTasksError, KeyboardInterrupt):
            screen.failed()
            raise


def in_lines(event: Event) -> None:
    """Print an event: what is done to stdout, all else to stderr."""
    if event.kind == "log":
        console.note(event.text, log=True)
        return
    told = {"done": console.result, "progress": console.progress}
    told.get(event.kind, console.note)(event.text)


def in_json(event: Event) -> None:
    """Print an event as a line of JSON."""
    console.result_json({"event": event.kind, "text": event.text, **event.facts})


class Grouped:
    """Lines in the log of GitHub's runner, the build's in a group that is closed when it is done;
    what made a deploy fail is an annotation of the job."""

    def __init__(self) -> None:
        self._open = False
        self._title = "Build log"

    def __call__(self, event: Event) -> None:
        """Print an event."""
        if event.kind == "log" and not self._open:
            console.annotation(f"::group::{self._title}", out=False)
            self._open = True
        elif event.kind == "progress" and "seconds" in event.facts:
            # The build has ended, and the app is waited for.
            self._title = "Log of web"
            self._close()
        elif event.kind not in ("log", "progress", "wait"):
            self._close()
        in_lines(event)

    def __enter__(self) -> Grouped:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._close()
        if isinstance(error, DeployFailed):
            cause = readable(str(error).splitlines()[-1]).replace("%", "%25")
            console.annotation(f"::error title=Deploy failed::{cause}", out=False)

    def _close(self) -> None:
        if self._open:
            console.annotation("::endgroup::", out=False)
        self._open = False
