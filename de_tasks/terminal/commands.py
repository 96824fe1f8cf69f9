"""How a command is typed: `inv apps.create`, or `de-tasks apps create` under the program."""

from __future__ import annotations

_program = "inv"


def speak_as(program: str) -> None:
    """From now on messages name this program's commands."""
    global _program
    _program = program


def typed(command: str) -> str:
    """A command such as `apps.create --name x` as the reader of a message would type it."""
    name, space, rest = command.partition(" ")
    return f"{_program} {name if _program == 'inv' else name.replace('.', ' ')}{space}{rest}"
