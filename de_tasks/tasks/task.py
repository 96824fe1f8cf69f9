"""What every task shares: the decorator, its settings, and the way to the platform."""

from __future__ import annotations

import copy
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import invoke
from invoke.parser import Argument
from invoke.tasks import Task

from de_tasks.config import context as configured
from de_tasks.config.import_path import installed_first
from de_tasks.errors import Interrupted, UsageError
from de_tasks.platform import connect as platforms
from de_tasks.platform.connect import app_name
from de_tasks.terminal import console
from de_tasks.terminal.text import readable

if TYPE_CHECKING:
    from types import FrameType

    from de_tasks.config.settings import Settings
    from de_tasks.net.retry import Wait
    from de_tasks.platform.connect import Connection

SHORT = {"name": "n", "type": "t", "yes": "y", "message": "m"}
NAMES = ("name", "app_name")
"""Options that name an app: an empty one is a script's mistake, and not the folder's app."""
NUMBERS = frozenset(
    "count jobs older_than port portal_rank timeout to access_token_seconds offline_token_seconds "
    "rate_limit_points rate_limit_seconds install_timeout".split()
)
"""Options whose values are whole numbers, as the help shows them."""
HELP = {
    "name": "Name of the app (default: de.app, else the folder's name)",
    "path": "Folder of the app (default: this one)",
    "yes": "Answer yes to every question",
    "json": "Print JSON: one document, or one line for each entry of a log",
    "host": "Dash Enterprise, as example.plotly.host or as a URL",
}


class Option(Argument):
    """An argument that is cheap to copy: invoke copies those of all tasks at every start,
    deeply, though it only ever sets their values anew."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Option:
        made = Option.__new__(Option)
        made.__dict__.update(self.__dict__)
        return made

    def set_value(self, value: Any, cast: bool = True) -> None:
        """A number stays text: the task names the option where it is none, invoke would crash."""
        super().set_value(value, cast and self.kind is not int)


class DeTask(Task):  # type: ignore[type-arg]
    """A task whose short letters come from one table."""

    def __deepcopy__(self, memo: dict[int, Any]) -> DeTask:
        """As cheap: invoke copies the tasks of a project's `ns`, and goes through each option."""
        return copy.copy(self)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Any]:
        """invoke's arguments; it takes the help out as it goes, and a task may be listed twice,
        or be one with its copies."""
        kept, self.help = self.help, dict(self.help)
        try:
            found = super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept
        for argument in found:
            argument.__class__ = Option
        return found

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """invoke's options of an argument, with our short letter."""
        options = super().arg_opts(name, default, taken_names)
        if name in SHORT:
            options["names"] = [*options["names"], SHORT[name]]
        if name in NAMES:
            options["default"] = None
        if name in NUMBERS:
            options["kind"] = int
        if name in self.iterable:
            # invoke would take the kind from the default, and ours is an immutable tuple.
            options |= {"kind": list, "default": []}
        return options


@contextmanager
def _interruptible() -> Iterator[None]:
    """Take SIGTERM, by which CI systems end a job, for Ctrl-C: what was begun is cleared away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Make the messages of errors readable, which invoke prints."""
    try:
        yield
    except invoke.Exit as error:
        if error.message:
            error.message = readable(error.message)
        raise


def task(**options: Any) -> Callable[[Callable[..., Any]], DeTask]:
    """Like `invoke.task`; Ctrl-C ends with 130, and shared arguments have their help."""

    def wrap(body: Callable[..., Any]) -> DeTask:
        @functools.wraps(body)
        def run(context: invoke.Context, *arguments: Any, **keywords: Any) -> Any:
            try:
                with installed_first(), readable_errors(), _interruptible():
                    return body(context, *arguments, **_given(keywords))
            except KeyboardInterrupt:
                raise Interrupted("Interrupted.") from None

        parameters = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        words = {p: HELP[p] for p in parameters if p in HELP} | options.pop("help", {})
        return DeTask(run, positional=(), auto_shortflags=False, help=words, **options)

    return wrap


def _given(keywords: dict[str, Any]) -> dict[str, Any]:
    for name in NAMES:
        if keywords.get(name) == "":
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is empty: name the app, or leave the option out.")
    return {n: value for n, value in keywords.items() if n not in NAMES or value is not None}


def configuration(context: invoke.Context) -> configured.Configuration:
    """What of invoke's configuration is ours."""
    return {name: context.config.get(name, {}) for name in ("de", "de_flags")}


def settings(context: invoke.Context, **flags: object) -> Settings:
    """The settings of this call."""
    return configured.settings(configuration(context), **flags)


def connect(context: invoke.Context, json: bool = False, **flags: object) -> Connection:
    """The platform behind the present credentials; waits are told as `waits` has it."""
    return platforms.connect(settings(context, **flags), waits(json))


def waits(json: bool = False) -> Callable[[Wait], None]:
    """How waits are told: to people, or by a command that prints JSON lines as one of them."""
    return _wait_as_json if json else _wait_in_words


def _wait_as_json(wait: Wait) -> None:
    seconds = round(wait.seconds, 1)
    console.result_json({"event": "wait", "text": wait.text, "seconds": seconds})


def _wait_in_words(wait: Wait) -> None:
    console.note(wait.text)


def named_app(values: Settings, name: str, yes: bool, option: str = "--name") -> str:
    """The app of what cannot be undone: where nobody is asked, the folder is no answer."""
    if not (name or values.app or yes or console.interactive()):
        raise UsageError(f"Which app? There is no terminal to ask on: give {option}, or -y")
    return app_name(values, name)
