"""`de-tasks`: the tasks as a program of their own, in the reference's grammar."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TypeVar

from invoke import Argument, Config, Exit, Program
from invoke.parser import Parser, ParserContext

import de_tasks
from de_tasks.cli.grammar import Grammar
from de_tasks.cli.help import Help, Manual
from de_tasks.config.faults import USERS, located
from de_tasks.config.files import nearest
from de_tasks.config.numbers import whole_number
from de_tasks.tasks import documents
from de_tasks.tasks.task import readable_errors
from de_tasks.terminal import console
from de_tasks.terminal.commands import speak_as

CORE = {
    "host": "Dash Enterprise, as example.plotly.host or as a URL (default: that of the last login)",
    "keyfile": "File that keeps the login (default: the keyring, or ~/.dash_enterprise)",
    "no-keyfile": "Log in with $DASH_ENTERPRISE_USERNAME and _PASSWORD, and store nothing",
    "ca-path": "Root certificate that signed the server's",
}
INVOKES = {
    "dry": ("R", bool, "Say what would be done, and do nothing"),
    "command-timeout": ("T", int, "Seconds after which the command is ended, with exit code 75"),
    "echo": ("e", bool, "Show the git commands that are run"),
}
"""Options of invoke's that are ours too."""
PASSED = {"--debug": False, "-d": False, "--print-completion-script": True}
"""Options of invoke's that are passed on, and whether a value follows."""


T = TypeVar("T")


def in_json(step: Callable[..., T]) -> Callable[..., T]:
    """A step before any task runs, whose failure is a document where the command line asks for
    one; a task does the same for its own."""

    @functools.wraps(step)
    def told(self: DeTasksProgram, *arguments: object) -> T:
        with documents.failures(self.asked):
            return step(self, *arguments)

    return told


class Configuration(Config):
    """invoke's, without the environment: `config.settings` reads INVOKE_DE_* itself, and invoke
    stops with a traceback at a variable for what is a list in a file."""

    def load_shell_env(self) -> None:
        """Nothing."""


class DeTasksProgram(Program):
    """invoke's program with the reference's core options, help and exit codes."""

    asked = False
    """Whether JSON is asked for."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:
        """invoke's, which calls the steps below in turn."""
        self.asked = documents.asked_by(sys.argv if argv is None else argv)
        super().run(argv, exit)

    @in_json
    def create_config(self) -> None:
        """invoke's step, with a class of our own; it reads the user's file."""
        with located(USERS):
            self.config = Configuration()

    def core_args(self) -> list[Argument]:
        """invoke's own options, and ours."""
        return [*super().core_args(), *_own_arguments()]

    @in_json
    def normalize_argv(self, argv: list[str] | None) -> None:
        """Turn the reference's grammar into invoke's; answer help and completion."""
        super().normalize_argv(argv)
        grammar = read_by(self.name)
        program, *words = self.argv
        if words[:1] == ["--complete"]:
            console.result("\n".join(grammar.candidates(words[3:])))
            raise Exit
        with readable_errors():
            read = grammar.read(words, PASSED)
            for word in read if isinstance(read, list) else ():
                option, _, value = word.partition("=")
                if option == "--command-timeout":
                    whole_number(value, option, least=1)  # invoke would end with a traceback.
        if isinstance(read, Help):
            console.result(Manual(self.name, de_tasks.ns, core_context()).page(read))
            raise Exit
        self.argv = [program, *read]

    def _make_parser(self) -> Parser:
        """invoke's step, for the one command that the grammar has found, not for all tasks."""
        command = read_by(self.name).context(self.core.unparsed[:1])
        return Parser(initial=self.initial_context, contexts=command)

    @in_json
    def parse_collection(self) -> None:
        """Besides, load the nearest invoke.yaml, as `inv` does beside tasks.py."""
        super().parse_collection()
        folder = nearest(".")
        if folder:
            self.config.set_project_location(folder)
            self.config.load_project()

    @in_json
    def update_config(self, merge: bool = True) -> None:
        """Hand our core options to the tasks, which rank them as flags."""
        super().update_config(merge)
        given = {name.replace("-", "_"): self.args[name].value for name in CORE}
        self.config.update({"de_flags": {name: value for name, value in given.items() if value}})

    def print_version(self) -> None:
        """Print the version as the reference does."""
        console.result(f"{self.name}, version {self.version}")


@functools.cache
def read_by(program: str) -> Grammar:
    """The grammar of the program of this name."""
    return Grammar(program, de_tasks.ns, core_context())


def core_context() -> ParserContext:
    """The options that stand before the command."""
    version = Argument(name="version", kind=bool, help="Show the version and exit.")
    invokes = [Argument(names=(n, s), kind=k, help=h) for n, (s, k, h) in INVOKES.items()]
    return ParserContext(args=[*_own_arguments(), *invokes, version])


def _own_arguments() -> list[Argument]:
    kinds = {"no-keyfile": bool}
    return [Argument(name=n, kind=kinds.get(n, str), help=h) for n, h in CORE.items()]


def main() -> None:
    """Run the program."""
    speak_as("de-tasks")
    DeTasksProgram(namespace=de_tasks.ns, name="de-tasks", version=de_tasks.__version__).run()
