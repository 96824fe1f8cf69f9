"""invoke's own program, whose faults are said in a line: in a project's file, in what was typed,
and where nobody reads the output any more."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import invoke
from invoke.parser import Parser, ParserContext

from de_tasks.config.faults import USERS, located
from de_tasks.config.files import top
from de_tasks.config.utf8 import read_again
from de_tasks.errors import OutputClosed, UsageError
from de_tasks.tasks import absent

UNKNOWN = re.compile(r"No idea what '(.+)' is!")


def improve() -> None:
    """Let invoke say what is wrong, in place of a traceback, and what may have been meant.

    It reads its files and what was typed after tasks.py, and so after us, but before any code of
    ours is called.
    """
    if hasattr(invoke.Config.load_project, "__wrapped__"):
        return
    invoke.Config.load_project = _load_project()  # type: ignore[method-assign,assignment]
    for name in ("parse_tasks", "parse_cleanup"):
        setattr(invoke.Program, name, _explained(getattr(invoke.Program, name)))
    invoke.Program._make_parser = _make_parser  # type: ignore[method-assign]


def _load_project() -> Callable[[invoke.Config, bool], None]:
    load = invoke.Config.load_project

    @functools.wraps(load)
    def load_project(self: invoke.Config, merge: bool = True) -> None:
        prefix = getattr(self, "_project_prefix", None) or os.path.join(top(), "")
        with located(USERS):
            read_again(self)
        with located(f"{prefix}invoke"):
            load(self, merge)

    return load_project


class _NameAlone(ParserContext):
    """What the parser needs of a task that is not in the command line."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _NameAlone:
        return self


def _make_parser(self: invoke.Program) -> Parser:
    """invoke's step, with the names alone of those of our tasks that are not in the command line:
    to make and copy all their options takes longer than all other reading of it."""
    from de_tasks.tasks.task import DeTask

    typed, unknown = " ".join(self.argv), self.config.tasks.ignore_unknown_help
    contexts: list[ParserContext] = []
    for name, aliases in self.collection.task_names.items():
        task, names = self.collection[name], [name, *aliases]
        if isinstance(task, DeTask) and not any(each in typed for each in names):
            contexts.append(_NameAlone(name, aliases))
        else:
            options = task.get_arguments(ignore_unknown_help=unknown)
            contexts.append(ParserContext(name, aliases, options))
    return Parser(initial=self.initial_context, contexts=contexts)


def _explained(step: Callable[[invoke.Program], None]) -> Callable[[invoke.Program], None]:
    """A step of invoke's program, which reads the command line or lists the tasks."""

    @functools.wraps(step)
    def explained(self: invoke.Program) -> None:
        try:
            try:
                step(self)
            finally:
                sys.stdout.flush()
        except invoke.ParseError as error:
            if found := UNKNOWN.match(str(error)):
                absent.refuse(found[1])
            raise _usage(self, error) from None
        except BrokenPipeError:
            # `inv --list | head`. Python flushes once more at its end, and would complain then.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise OutputClosed("") from None

    return explained


def _usage(program: invoke.Program, error: invoke.ParseError) -> UsageError:
    """Bad usage, where invoke would end with the code of any failure; as a document for who asks
    for one."""
    from de_tasks.tasks import documents
    from de_tasks.tasks.task import readable_errors

    try:
        with readable_errors(), documents.failures(documents.asked_by(program.argv)):
            raise UsageError(_proposed(program, error))
    except UsageError as usage:
        return usage


def _proposed(program: invoke.Program, error: invoke.ParseError) -> str:
    """invoke's sentence, with the option or the command that is most like an unknown one."""
    said, found = str(error), UNKNOWN.match(str(error))
    if not found:
        return said
    from de_tasks.terminal.proposals import as_option, did_you_mean

    options = [*(error.context.flags if error.context else ())]
    if found[1].startswith("-"):
        return said + did_you_mean(found[1], options)
    tasks = program.collection.to_contexts()
    known = [name for one in tasks for name in (one.name, *one.aliases) if name]
    return said + (did_you_mean(found[1], known) or as_option(found[1], options))
