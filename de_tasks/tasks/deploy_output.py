"""How a deploy is shown: on a screen, in lines, in a CI, and in JSON lines for programs.

Of a failed app's log, people are shown the part of its own code, unless they ask for all of it;
why it failed is said once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from de_tasks.errors import DeTasksError, Interrupted
from de_tasks.tasks import ci
from de_tasks.tasks.facts import event_facts
from de_tasks.terminal import console, style

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event


@contextmanager
def shown(json: bool, verbose: bool = False) -> Iterator[Callable[[Event], None]]:
    """What the events of one deploy are told to."""
    if json:
        yield in_json
    elif ci.folds() or not style.for_people():
        from de_tasks.tasks.deploy_lines import Grouped, Lines

        with (Grouped if ci.folds() else Lines)(verbose) as lines:
            yield lines
    else:
        from de_tasks.tasks.deploy_screen import Screen

        screen = Screen(verbose)
        try:
            yield screen
        except (DeTasksError, KeyboardInterrupt) as error:
            screen.failed(str(error), isinstance(error, (Interrupted, KeyboardInterrupt)))
            raise


def in_json(event: Event) -> None:
    """Print an event as a line of JSON."""
    console.result_json({"event": event.kind, "text": event.text, **event_facts(event)})
