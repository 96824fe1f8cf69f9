"""The reference's grammar over invoke's: `de-tasks [options] GROUP SUBCOMMAND [options]`.

Everything is derived from the task collection: which words are groups, which options a
command has and which of them take a value. A command line comes out in the one form that
invoke reads without doubt: `group.subcommand --option=value`.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from invoke import Argument, Collection
from invoke.parser import ParserContext

from de_tasks.errors import UsageError

POSITIONAL = {"deploy": "path", "run": "path"}
"""Commands that take one word without an option, and the option that it stands for."""


@dataclass(frozen=True)
class Help:
    """A help page was asked for: of the program, of a group, or of a command."""

    words: tuple[str, ...] = ()


class Grammar:
    """The commands of a program, its own options being `core`."""

    def __init__(self, program: str, namespace: Collection, core: Iterable[Argument]) -> None:
        self._program = program
        self._namespace = namespace
        self._core = ParserContext(args=core)
        self._commands = {str(c.name): c for c in namespace.to_contexts()}
        self._groups = {
            group: sorted(n.partition(".")[2] for n in self._commands if n.startswith(group + "."))
            for group in sorted(namespace.collections)
        }

    def read(self, words: Sequence[str], passed: Iterable[str] = ()) -> list[str] | Help:
        """Words as typed, in invoke's form; or the page of help that they ask for.

        Options that start like one of `passed` are invoke's own and stay as they are.
        Raises `UsageError` naming the word that is wrong, and the choices.
        """
        rest = list(words)
        core, rest = self._options(self._core, rest, "", tuple(passed))
        if isinstance(core, Help):
            return core
        if not rest:
            return core if core else Help()
        name, rest = self._command(rest)
        if isinstance(name, Help):
            return name
        options, rest = self._options(self._commands[name], rest, name, tuple(passed))
        if isinstance(options, Help):
            return options
        return [*core, name, *options]

    def _command(self, rest: list[str]) -> tuple[str | Help, list[str]]:
        word, *rest = rest
        if word in self._commands:  # Also `apps.create`, as invoke writes it.
            return word, rest
        if word not in self._groups:
            choices = [n for n in self._commands if "." not in n] + list(self._groups)
            raise UsageError(f"No such command: {word!r}. Commands: {', '.join(sorted(choices))}")
        if not rest or rest[0] == "--help":
            return Help((word,)), []
        name = f"{word}.{rest[0]}"
        if name not in self._commands:
            raise UsageError(
                f"No such command: {word} {rest[0]!r}. "
                f"Commands of {word}: {', '.join(self._groups[word])}"
            )
        return name, rest[1:]

    def _options(
        self, context: ParserContext, rest: list[str], command: str, passed: tuple[str, ...]
    ) -> tuple[list[str] | Help, list[str]]:
        """Read options; before the command up to its first word, after it up to the end."""
        found: list[str] = []
        while rest:
            word = rest[0]
            if word == "--help":
                return Help(tuple(command.split(".")) if command else ()), []
            if not word.startswith("-") or word == "-":
                if not command:
                    break
                rest.pop(0)
                self._positional(command, word, found)
                continue
            rest.pop(0)
            option, equals, value = word.partition("=")
            if option in passed:
                found.append(word)
                if not equals and rest and not rest[0].startswith("-"):
                    found.append(rest.pop(0))
                continue
            # A lexicon finds a short letter with `in` and [], not with `get`.
            known = next((c for c in (context, self._core) if option in c.flags), None)
            if known is None:
                raise UsageError(self._no_such_option(option, command))
            argument = known.flags[option]
            name = _long(argument)
            if not argument.takes_value:
                if equals:
                    raise UsageError(f"Option {name} takes no value.")
                found.append(name)
            elif equals or rest:
                found.append(f"{name}={value if equals else rest.pop(0)}")
            else:
                raise UsageError(f"Option {name} needs a value.")
        return found, rest

    def _positional(self, command: str, word: str, found: list[str]) -> None:
        option = POSITIONAL.get(command)
        if option is None or any(o.startswith(f"--{option}=") for o in found):
            title = command.replace(".", " ")
            raise UsageError(f"{title} does not take {word!r}. Options: {self._names(command)}")
        found.append(f"--{option}={word}")

    def _no_such_option(self, option: str, command: str) -> str:
        title = command.replace(".", " ") or self._program
        return f"No such option: {option}. Options of {title}: {self._names(command)}"

    def _names(self, command: str) -> str:
        context = self._commands[command] if command else self._core
        return ", ".join([*(_long(a) for a in _arguments(context)), "--help"])

    def candidates(self, words: Sequence[str]) -> list[str]:
        """What may follow the words, for the shell's completion."""
        typed = [word for word in words if not word.startswith("-")]
        last = words[-1] if words else ""
        command = ".".join(typed[:2]) if typed[:1] and typed[0] in self._groups else "".join(typed)
        if last.startswith("-"):
            name = command if command in self._commands else typed[0] if typed else ""
            context = self._commands.get(name, self._core)
            return [_long(a) for a in _arguments(context)] + ["--help"]
        if typed and typed[0] in self._groups and len(typed) < 3 and command not in self._commands:
            return self._groups[typed[0]]
        if len(typed) < 2 and command not in self._commands:
            return sorted([n for n in self._commands if "." not in n] + list(self._groups))
        return []

    def page(self, help_: Help) -> str:
        """A page of help, in the reference's form."""
        title = " ".join((self._program, *help_.words))
        name = ".".join(help_.words)
        if name in self._commands:
            task = self._namespace[name]
            about = textwrap.dedent(task.__doc__ or "").strip()
            place = f" [{POSITIONAL[name].upper()}]" if name in POSITIONAL else ""
            head = f"Usage: {title} [OPTIONS]{place}\n\n{textwrap.indent(about, '  ')}"
            return f"{head}\n\nOptions:\n{_columns(self._option_rows(self._commands[name]))}"
        prefix = f"{name}." if name else ""
        rows = [
            (n.removeprefix(prefix), _first_line(self._namespace[n].__doc__))
            for n in self._commands
            if n.startswith(prefix) and "." not in n.removeprefix(prefix)
        ]
        if not name:
            rows += [(g, _first_line(self._namespace.collections[g].__doc__)) for g in self._groups]
            options = _columns(self._option_rows(self._core))
        else:
            options = _columns([("--help", "Show this message and exit.")])
        lines = [f"Usage: {title} [OPTIONS] COMMAND [ARGS]...", "", "Options:", options]
        return "\n".join([*lines, "", "Commands:", _columns(sorted(rows))])

    def _option_rows(self, context: ParserContext) -> list[tuple[str, str]]:
        rows = []
        for argument in _arguments(context):
            short = [f"-{n}" for n in argument.names if len(n) == 1]
            value = " TEXT" if argument.takes_value else ""
            rows.append((", ".join([*short, _long(argument)]) + value, argument.help or ""))
        return [*rows, ("--help", "Show this message and exit.")]


def _arguments(context: ParserContext) -> list[Argument]:
    return list(dict.fromkeys(context.args.values()))


def _long(argument: Argument) -> str:
    return "--" + next(n for n in argument.names if len(n) > 1).replace("_", "-")


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    width = min(max((len(left) for left, _ in rows), default=0), 34)
    room = max(30, shutil.get_terminal_size().columns - width - 5)
    lines = []
    for left, right in rows:
        first, *more = textwrap.wrap(right, room) or [""]
        if len(left) > width:
            lines.append(f"  {left}")
            left = ""
        lines.append(f"  {left:{width}}  {first}".rstrip())
        lines += [" " * (width + 4) + line for line in more]
    return "\n".join(lines)
