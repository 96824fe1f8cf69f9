"""What programs read: the value of a task as one JSON document, and a failure as another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import invoke

from de_tasks import errors
from de_tasks.config import environment
from de_tasks.errors import Interrupted, OutputClosed
from de_tasks.terminal import console
from de_tasks.terminal.commands import named_in

OPTION = "--json"
AsFacts = Callable[[Any], object]
"""How a task's value becomes a JSON document: a mapping, or a list, which has an entry a line."""


def asked_by(words: Sequence[str]) -> bool:
    """Whether a command line that could not be read asks for JSON."""
    return OPTION in words or environment.wants_json()


def show(value: object, facts: AsFacts) -> None:
    """Print the document of a value."""
    found = facts(value)
    if isinstance(found, list):
        console.result_json_list(found)
    else:
        console.result_json(found)


def error_facts(error: invoke.Exit) -> dict[str, object]:
    """A failure for programs: its class in the tree of `errors`, and what to type next."""
    message = (error.message or "").strip()
    own: tuple[str, ...] = getattr(error, "next", ())
    return {
        "class": _class_of(error),
        "code": error.code,
        "message": message,
        "next": list(dict.fromkeys((*named_in(message), *own))),
    }


@contextmanager
def failures(asked: bool, facts: AsFacts | None = None) -> Iterator[None]:
    """Print what fails as a document, where that is `asked` for; Ctrl-C is an `Interrupted`.

    What was found all the same is printed in its place: as a mapping it has the failure in it. A
    failure without words is an answer.
    """
    try:
        try:
            yield
        except KeyboardInterrupt:
            raise Interrupted("Interrupted.") from None
    except invoke.Exit as error:
        if asked and not isinstance(error, OutputClosed):
            _show_failure(error, facts)
        raise


def _show_failure(error: invoke.Exit, facts: AsFacts | None) -> None:
    failure = {"error": error_facts(error)} if error.message else {}
    value = getattr(error, "value", None)
    if value is None or facts is None:
        if failure:
            console.result_json(failure)
        return
    found = facts(value)
    show(found | failure if isinstance(found, dict) else found, lambda document: document)


def _class_of(error: invoke.Exit) -> str:
    """The name that is documented: a module's own class is one of the tree's, too."""
    mine = (c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__)
    return next(mine, errors.DeTasksError.__name__)
