"""Writes docs/commands/: a page for each command, taken from the tasks themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import de_tasks
from de_tasks.cli.help import (
    SHOW_HELP,
    arguments,
    description,
    first_line,
    long_name,
    option_rows,
    place,
)

FOLDER = Path(__file__).with_name("commands")
NOTICE = "<!-- Written by `inv reference` from the tasks: change those. -->"
CONTEXTS = {
    str(context.name): context
    for context in de_tasks.ns.to_contexts()
    # This repository's own tasks.py adds some of its own.
    if de_tasks.ns[context.name].body.__module__.startswith("de_tasks.")
}


def pages() -> dict[str, str]:
    """File name to text: one page a command, and the list of them."""
    found = {_file(name): _page(name) for name in CONTEXTS if _same(name)[0] == name}
    return {"README.md": _index(), **found}


def write() -> list[str]:
    """Write what has changed, delete what is no command any more; returns the names."""
    wanted = pages()
    FOLDER.mkdir(exist_ok=True)
    stale = [file for file in FOLDER.iterdir() if file.name not in wanted]
    changed = [name for name, text in wanted.items() if _text(FOLDER / name) != text]
    for file in stale:
        file.unlink()
    for name in changed:
        (FOLDER / name).write_text(wanted[name], "utf-8")
    return sorted([*changed, *(file.name for file in stale)])


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def _index() -> str:
    rows = [
        f"| [`{name}`]({_file(_same(name)[0])}) | {first_line(de_tasks.ns[name].__doc__)} |"
        for name in CONTEXTS
    ]
    return "\n".join([NOTICE, "", "# Commands", "", "| command | |", "|---|---|", *rows, ""])


def _page(name: str) -> str:
    first, _, rest = description(de_tasks.ns[name].__doc__).partition("\n")
    parts = [NOTICE, f"# {name.replace('.', ' ')}", first, _usage(name)]
    if rest.strip():
        parts.append(rest.strip())
    parts.append("\n".join(["| option | |", "|---|---|", *_options(name)]))
    parts.append(
        "Exit codes: [README](../../README.md#exit-codes). All commands: [list](README.md)."
    )
    return "\n\n".join(parts) + "\n"


def _usage(name: str) -> str:
    lines = [
        f"    {line}"
        for command in _same(name)
        for line in (
            f"de-tasks {command.replace('.', ' ')} [OPTIONS]{place(CONTEXTS[command])}",
            f"inv {command} [OPTIONS]",
        )
    ]
    return "\n".join(lines)


def _same(name: str) -> list[str]:
    """All names of a command, the one that names its group first."""
    found = [other for other in CONTEXTS if de_tasks.ns[other] is de_tasks.ns[name]]
    return sorted(found, key=lambda other: ("." not in other, other))


def _file(name: str) -> str:
    return f"{name.replace('.', '-')}.md"


def _options(name: str) -> Iterator[str]:
    for left, right in option_rows(CONTEXTS[name]):
        if (left, right) != SHOW_HELP:
            repeated = any(
                argument.kind is list and long_name(argument) in left.split()
                for argument in arguments(CONTEXTS[name])
            )
            yield f"| `{left}` | {right}{'; may be given several times' if repeated else ''} |"
    yield f"| `{SHOW_HELP[0]}` | {SHOW_HELP[1]} |"
