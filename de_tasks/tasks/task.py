"""What every task shares: the decorator, its settings, and the way to the platform."""

from __future__ import annotations

import copy
import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

import invoke
from invoke.parser import Argument
from invoke.tasks import Task

from de_tasks.config import context as configured
from de_tasks.config import environment
from de_tasks.config.import_path import installed_first
from de_tasks.config.project import governing, section
from de_tasks.errors import Declined, Interrupted, UsageError
from de_tasks.platform import connect as platforms
from de_tasks.platform.connect import app_name, find_host
from de_tasks.tasks import documents, invoke_options
from de_tasks.tasks.documents import AsFacts
from de_tasks.tasks.interrupts import interruptible
from de_tasks.tasks.invoke_options import ITS_DRY_RUN, Changes, Facts
from de_tasks.terminal import console, live, style, wrapping
from de_tasks.terminal.text import readable

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.net.retry import Wait
    from de_tasks.platform.connect import Connection

SHORT = {"name": "n", "type": "t", "yes": "y", "message": "m"}
NAMES = ("name", "app_name")
"""Options that name an app: an empty one is a script's mistake, and not the folder's app."""
JSON = "json"
NUMBERS = frozenset(
    "build count jobs older_than port portal_rank timeout to access_token_seconds "
    "offline_token_seconds rate_limit_points rate_limit_seconds install_timeout".split()
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
    """A task whose short letters come from one table, and that says what it changes."""

    changes: Changes
    facts: AsFacts | None = None

    _arguments: list[Any] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> DeTask:
        """As cheap: invoke copies the tasks of a project's `ns`, and goes through each option."""
        return copy.copy(self)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Any]:
        """invoke's arguments, copies of the first ones: they are asked for more than once, and
        invoke takes the help out as it makes them."""
        if self._arguments is None:
            kept, self.help = self.help, dict(self.help)
            try:
                self._arguments = super().get_arguments(ignore_unknown_help)
            finally:
                self.help = kept
            for argument in self._arguments:
                argument.__class__ = Option
        return copy.deepcopy(self._arguments)

    def argspec(self, body: Callable[..., Any]) -> Signature:
        """invoke's, with the option `--json` where a value becomes a document."""
        found = super().argspec(body)
        if self.facts is None:
            return found
        option = Parameter(JSON, Parameter.POSITIONAL_OR_KEYWORD, default=False)
        return found.replace(parameters=[*found.parameters.values(), option])

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
def readable_errors() -> Iterator[None]:
    """Make the messages of errors readable, which invoke prints; on a terminal with a mark."""
    try:
        yield
    except invoke.Exit as error:
        if error.message:
            error.message = readable(error.message)
            if sys.stderr.isatty():
                sign = len(style.mark("failed")) + 1
                error.message = wrapping.wrapped(error.message, wrapping.width() - sign)
            # Who says no has not met a failure.
            if error.code and style.for_people() and not isinstance(error, Declined):
                # The terminal has echoed ^C behind whatever stood there.
                start = "\n" * (error.code == Interrupted.exit_code)
                error.message = start + style.signed("failed", error.message)
        raise
    finally:
        live.clear()


def task(
    changes: Changes, facts: AsFacts | None = None, **options: Any
) -> Callable[[Callable[..., Any]], DeTask]:
    """Like `invoke.task`; Ctrl-C ends with 130, and shared arguments have their help.

    `changes` says what the task changes, `READS` that it changes nothing: with `--dry` that is
    said, and nothing done. `facts` makes a JSON document of the value that the task returns: so
    it has `--json`, which prints the document in place of the task's results. A task that prints
    JSON lines as they come has an argument `json` instead. With either, a failure is a document.

    Called from Python a task takes `hide=True`, too: then it prints nothing, and asks nobody.
    """

    def wrap(body: Callable[..., Any]) -> DeTask:
        @functools.wraps(body)
        def run(
            context: invoke.Context, *arguments: Any, hide: bool = False, **keywords: Any
        ) -> Any:
            config = context.config
            asked = has_json and bool(keywords.get(JSON) or environment.wants_json())
            as_document = facts if asked else None
            with (
                console.quiet("all") if hide else nullcontext(),
                installed_first(),
                readable_errors(),
                documents.failures(asked, as_document),
                interruptible(),
                invoke_options.bounded(config.timeouts.command),
                invoke_options.echoed(config.run.echo),
            ):
                given = _given(keywords)
                if facts:
                    given.pop(JSON, None)
                elif asked:
                    given[JSON] = True
                if changes and invoke_options.is_dry(context):
                    if changes != ITS_DRY_RUN:
                        would = _would(context, changes, Facts(body, arguments, given))
                        return invoke_options.tell_dry(would, asked)
                    given["dry_run"] = True
                with console.quiet("results") if as_document else nullcontext():
                    value = body(context, *arguments, **given)
                if as_document:
                    documents.show(value, as_document)
                return value

        parameters = body.__code__.co_varnames[1 : body.__code__.co_argcount]
        has_json = facts is not None or JSON in parameters
        if facts:
            parameters = (*parameters, JSON)
        words = {p: HELP[p] for p in parameters if p in HELP} | options.pop("help", {})
        given = {"positional": (), **options}
        made = DeTask(run, auto_shortflags=False, help=words, **given)
        made.changes, made.facts = changes, facts
        return made

    return wrap


def _would(context: invoke.Context, changes: Changes, facts: Facts) -> str:
    """What the task would do, in words."""
    if not isinstance(changes, str):
        return changes(context, facts)

    def values() -> Settings:
        return settings(context, path=facts.get("path"), host=facts.get("host"))

    def app() -> str:
        return app_name(values(), facts.get("name") or facts.get("app_name"))

    find = {"app": app, "host": lambda: find_host(values()).name, "folder": lambda: values().path}
    return facts.fill(changes, find)


def _given(keywords: dict[str, Any]) -> dict[str, Any]:
    for name in NAMES:
        if keywords.get(name) == "":
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is empty: name the app, or leave the option out.")
    return {n: value for n, value in keywords.items() if n not in NAMES or value is not None}


def configuration(context: invoke.Context, path: object = "") -> configured.Configuration:
    """What of invoke's configuration is ours, for the app in a folder."""
    found = governing(context.config, str(path or ""))
    return {"de": section(found), "de_flags": found.get("de_flags", {})}


def settings(context: invoke.Context, **flags: object) -> Settings:
    """The settings of this call."""
    return configured.settings(configuration(context, flags.get("path")), **flags)


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


def needs_no_answer(question: str, yes: bool, spelled_out: bool) -> bool:
    """Whether something is deleted without asking: after a yes, and without a terminal where the
    command is `spelled_out` as the reference has it, which scripts rely on.

    Raises `UsageError` for every other deletion without a terminal: it names `-y`.
    """
    if not (yes or spelled_out):
        console.require_answer(question)
    return yes or not console.interactive()
