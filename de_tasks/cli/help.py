"""Pages of help, in the reference's form, derived from the tasks."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from invoke import Argument, Collection
from invoke.parser import ParserContext

FOLDER = "path"
"""The option that a word without one stands for: every command that takes a folder takes it so."""
NAMED = ("create", "apps.create")
"""Commands whose word would be taken for the app's name: their folder is for a template's files."""
SHOW_HELP = ("--help", "Show this message and exit.")


@dataclass(frozen=True)
class Help:
    """A help page was asked for: of the program, of a group, or of a command."""

    words: tuple[str, ...] = ()


class Manual:
    """The help of a program, its own options being `core`."""

    def __init__(self, program: str, namespace: Collection, core: ParserContext) -> None:
        self._program = program
        self._namespace = namespace
        self._core = core
        self._commands = {str(c.name): c for c in namespace.to_contexts()}

    def page(self, help_: Help) -> str:
        """The page that was asked for."""
        title = " ".join((self._program, *help_.words))
        name = ".".join(help_.words)
        if name in self._commands:
            about = textwrap.indent(description(self._namespace[name].__doc__), "  ")
            head = f"Usage: {title} [OPTIONS]{place(self._commands[name])}\n\n{about}"
            return f"{head}\n\nOptions:\n{_columns(option_rows(self._commands[name]))}"
        options = option_rows(self._core) if not name else [SHOW_HELP]
        return "\n".join(
            [
                f"Usage: {title} [OPTIONS] COMMAND [ARGS]...",
                *(["", *self._greeting()] if not name else []),
                *("", "Options:", _columns(options)),
                *("", "Commands:", _columns(self._command_rows(name))),
            ]
        )

    def _greeting(self) -> list[str]:
        return [
            "  Get started by logging into your Dash Enterprise instance with:",
            f"  $ {self._program} --host <HOST> login",
            "  or start one on this machine:",
            f"  $ {self._program} sandbox start",
        ]

    def _command_rows(self, group: str) -> list[tuple[str, str]]:
        prefix = f"{group}." if group else ""
        rows = [
            (name.removeprefix(prefix), first_line(self._namespace[name].__doc__))
            for name in self._commands
            if name.startswith(prefix) and "." not in name.removeprefix(prefix)
        ]
        if not group:
            groups = self._namespace.collections.items()
            rows += [(str(name), first_line(found.__doc__)) for name, found in groups]
        return sorted(rows)


def description(docstring: str | None) -> str:
    """A task's docstring without the indentation of the code."""
    first, _, rest = (docstring or "").strip().partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip()


def first_line(docstring: str | None) -> str:
    """What lists show of a docstring."""
    return (docstring or "").strip().partition("\n")[0]


def place(context: ParserContext) -> str:
    """How the command's words without an option are written."""
    if takes_folder(context):
        return f" [{FOLDER.upper()}]"
    return "".join(f" {name.upper()}" for name in words(context))


def words(context: ParserContext) -> list[str]:
    """The options that a command's words without one stand for, in their order."""
    return [FOLDER] if takes_folder(context) else [str(a.name) for a in context.positional_args]


def takes_folder(context: ParserContext) -> bool:
    """Whether a command takes a folder without an option."""
    return FOLDER in context.args and context.name not in NAMED


def arguments(context: ParserContext) -> list[Argument]:
    """The options of a command, each once."""
    return list(dict.fromkeys(context.args.values()))


def long_name(argument: Argument) -> str:
    """An option as it is typed."""
    return "--" + next(n for n in argument.names if len(n) > 1).replace("_", "-")


def option_rows(context: ParserContext) -> list[tuple[str, str]]:
    """The options of a command as they are typed, and what they do."""
    rows = []
    for argument in arguments(context):
        short = [f"-{n}" for n in argument.names if len(n) == 1]
        kind = "INTEGER" if argument.kind is int else "TEXT"
        value = f" {kind}" if argument.takes_value else ""
        rows.append((", ".join([*short, long_name(argument)]) + value, argument.help or ""))
    return [*rows, SHOW_HELP]


def option_names(context: ParserContext) -> list[str]:
    """The long options of a command."""
    return [*(long_name(argument) for argument in arguments(context)), SHOW_HELP[0]]


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    width = min(max((len(left) for left, _ in rows), default=0), 34)
    room = max(30, shutil.get_terminal_size().columns - width - 5)
    lines: list[str] = []
    for left, right in rows:
        lines += _row(left, textwrap.wrap(right, room) or [""], width)
    return "\n".join(lines)


def _row(left: str, right: Sequence[str], width: int) -> Iterable[str]:
    if len(left) > width:
        yield f"  {left}"
        left = ""
    yield f"  {left:{width}}  {right[0]}".rstrip()
    yield from (" " * (width + 4) + line for line in right[1:])
