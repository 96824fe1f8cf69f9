"""The reference's grammar over invoke's: `de-tasks [options] GROUP SUBCOMMAND [options]`.

Everything is derived from the task collection: which words are groups, which options a
command has and which of them take a value. A command line comes out in the one form that
invoke reads without doubt: `group.subcommand --option=value`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from invoke import Collection
from invoke.parser import ParserContext

from de_tasks.cli.help import SHOW_HELP, Help, long_name, option_names
from de_tasks.cli.help import words as words_of
from de_tasks.errors import UsageError
from de_tasks.tasks import absent
from de_tasks.terminal.proposals import as_option, did_you_mean


class Grammar:
    """The commands of a program, its own options being `core`."""

    def __init__(self, program: str, namespace: Collection, core: ParserContext) -> None:
        self._program = program
        self._core = core
        self._commands = {str(c.name): c for c in namespace.to_contexts()}
        self._groups = {
            group: sorted(n.partition(".")[2] for n in self._commands if n.startswith(group + "."))
            for group in sorted(namespace.collections)
        }

    def read(
        self, words: Sequence[str], passed: Mapping[str, bool] | None = None
    ) -> list[str] | Help:
        """Words as typed, in invoke's form; or the page of help that they ask for.

        Options of `passed` are invoke's own and stay as they are; it says which have a value.
        Raises `UsageError` naming the word that is wrong, and the choices.
        """
        own = passed or {}
        core, rest = self._options(self._core, list(words), "", own)
        if isinstance(core, Help):
            return core
        if not rest:
            return core if core else Help()
        name, rest = self._command(rest)
        if isinstance(name, Help):
            return name
        options, _ = self._options(self._commands[name], rest, name, own)
        if isinstance(options, Help):
            return options
        return [*core, name, *options]

    def context(self, words: Sequence[str]) -> list[ParserContext]:
        """What invoke's parser has to know of the commands among `words`, in invoke's form."""
        return [self._commands[word] for word in words if word in self._commands]

    def _command(self, rest: list[str]) -> tuple[str | Help, list[str]]:
        word, *rest = rest
        if word in self._commands:  # Also `apps.create`, as invoke writes it.
            return word, rest
        if word not in self._groups:
            absent.refuse(word)
            raise UsageError(_unknown("command", word, "Commands", self._first()))
        if not rest or rest[0] == SHOW_HELP[0]:
            return Help((word,)), []
        name = f"{word}.{rest[0]}"
        if name not in self._commands:
            choices = [f"{word} {command}" for command in self._groups[word]]
            raise UsageError(
                _unknown("command", f"{word} {rest[0]}", f"Commands of {word}", choices)
            )
        return name, rest[1:]

    def _first(self) -> list[str]:
        return sorted([n for n in self._commands if "." not in n] + list(self._groups))

    def _options(
        self, context: ParserContext, rest: list[str], command: str, passed: Mapping[str, bool]
    ) -> tuple[list[str] | Help, list[str]]:
        """Read options; before the command up to its first word, after it up to the end."""
        found: list[str] = []
        while rest:
            word = rest[0]
            if word == SHOW_HELP[0]:
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
                if passed[option] and not equals and rest:
                    found.append(rest.pop(0))
                continue
            if word[1] != "-" and len(word) > 2:
                option, equals, value = self._joined(word, context, rest)
            known = self._known(option, context)
            if known is None:
                raise UsageError(self._no_such_option(option, command))
            argument = known.flags[option]
            name = long_name(argument)
            if not argument.takes_value:
                if equals:
                    raise UsageError(f"Option {name} takes no value.")
                found.append(name)
            elif equals or rest:
                found.append(f"{name}={value if equals else rest.pop(0)}")
            else:
                raise UsageError(f"Option {name} needs a value.")
        return found, rest

    def _joined(self, word: str, context: ParserContext, rest: list[str]) -> tuple[str, str, str]:
        """The first letter of several: `-nNAME` is a value, in `-yn` the others follow."""
        option, tail = word[:2], word[2:]
        known = self._known(option, context)
        if known is None:
            return word.partition("=")
        if known.flags[option].takes_value:
            return option, "=", tail.removeprefix("=")
        if tail.startswith("="):
            return option, "=", ""
        rest.insert(0, f"-{tail}")
        return option, "", ""

    def _known(self, option: str, context: ParserContext) -> ParserContext | None:
        # A lexicon finds a short letter with `in` and [], not with `get`.
        return next((c for c in (context, self._core) if option in c.flags), None)

    def _positional(self, command: str, word: str, found: list[str]) -> None:
        context = self._commands[command]
        free = [o for o in words_of(context) if not any(f.startswith(f"--{o}=") for f in found)]
        if not free:
            title, names = command.replace(".", " "), ", ".join(option_names(context))
            meant = "" if words_of(context) else as_option(word, option_names(context))
            raise UsageError(f"{title} does not take {word!r}.{meant} Options: {names}")
        found.append(f"--{free[0]}={word}")

    def _no_such_option(self, option: str, command: str) -> str:
        title = command.replace(".", " ") or self._program
        names = option_names(self._commands[command] if command else self._core)
        return _unknown("option", option, f"Options of {title}", names)

    def candidates(self, words: Sequence[str]) -> list[str]:
        """What may follow the words or complete the last of them, for the shell's completion.

        A shell that completes a new word does not hand over the empty one.
        """
        typed: list[str] = []
        context, value_of = self._core, None
        for word in words:
            if value_of:
                value_of = None
            elif word.startswith("-"):
                known = self._known(word, context)
                value_of = known.flags[word] if known and known.flags[word].takes_value else None
            else:
                typed.append(word)
                context = self._commands.get(".".join(typed[:2]), context)
        if value_of:
            return []
        if words and words[-1].startswith("-"):
            return option_names(context)
        if context is not self._core:
            return []
        if typed[:1] and typed[0] in self._groups:
            return self._groups[typed[0]] if len(typed) < 3 else []
        return self._first() if len(typed) < 2 else []


def _unknown(kind: str, word: str, title: str, choices: Sequence[str]) -> str:
    """The sentence for what is not known: what may be meant first, then all that there is."""
    shown = word if kind == "option" else repr(word)
    return f"No such {kind}: {shown}.{did_you_mean(word, choices)} {title}: {', '.join(choices)}"
