"""How a command is typed: `inv apps.create`, or `de-tasks apps create` under the program."""

from __future__ import annotations

import re

_program = "inv"
_named: dict[str, None] = {}
"""The commands that messages may name, the latest last."""
REMEMBERED = 1000


def speak_as(program: str) -> None:
    """From now on messages name this program's commands."""
    global _program
    _program = program


def typed(command: str, program: str = "") -> str:
    """A command such as `apps.create --name x` as the reader of a message would type it: with the
    present program, or the one that is there where he reads it."""
    name, space, rest = command.partition(" ")
    with_ = program or _program
    found = f"{with_} {name if with_ == 'inv' else name.replace('.', ' ')}{space}{rest}"
    _named.pop(found, None)
    _named[found] = None
    if len(_named) > REMEMBERED:
        del _named[next(iter(_named))]
    return found


def named_in(message: str) -> list[str]:
    """The commands of ours that a message names, as `typed` wrote them, in their order.

    Where one ends in a sentence the text alone does not tell.
    """
    ends = {
        found.start(): command
        for command in sorted(list(_named), key=len)
        for found in re.finditer(rf"(?<![\w.-]){re.escape(command)}(?![\w-])", message)
    }
    return list(dict.fromkeys(ends[at] for at in sorted(ends)))
