"""Writes docs/commands/: a page for each command, taken from the tasks themselves.

In the navigation of the site it lists them, and in the page of the JSON fields what these are.
The page of the library is written beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

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
from docs import api

FOLDER = Path(__file__).with_name("commands")
FIELDS = FOLDER.with_name("json.md")
LIBRARY = FOLDER.with_name("api.md")
SITE = FOLDER.parents[1] / "zensical.toml"
NAVIGATION = ("# Written by `inv reference`: the commands.\n", "    # The end of the commands.\n")
"""What stands before and after the pages of the commands in the navigation of the site."""
BEFORE = """\
The name of a collection alone lists what it has, or shows how it stands: `inv apps`, `inv fleet`,
`inv hooks`. Tab completes commands and options: [completion](../completion.md).

invoke's own options work with every task: `-R` (`--dry`) says what the task would do and does
nothing, `-T SECONDS` ends a task that takes longer, with code 75, and `-e` shows the git commands
that are run. `inv --help TASK` shows what stands here.
"""
"""What all commands have in common."""
BELOW = "change that. -->\n"
"""The end of what is written by hand in the page of the JSON fields."""
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
    for file, text in others().items():
        if text != _text(file):
            file.write_text(text, "utf-8")
            changed.append(file.name)
    return sorted([*changed, *(file.name for file in stale)])


def others() -> dict[Path, str]:
    """What is written outside the folder."""
    tasks = {name: de_tasks.ns[name] for name in CONTEXTS if _same(name)[0] == name}
    return {FIELDS: json_page(), SITE: site(), LIBRARY: api.page(NOTICE, tasks)}


def json_page() -> str:
    """The page of the JSON fields, its tables taken from the schema."""
    schema = json.loads(FIELDS.with_name("json.schema.json").read_text("utf-8"))
    by_hand = _text(FIELDS).partition(BELOW)[0] + BELOW
    rows = [f"| `{name}` | {_form(form)} |" for name, form in schema["commands"].items()]
    parts = ["\n".join(["| command | prints |", "|---|---|", *rows])]
    for name, form in schema["$defs"].items():
        form = next((f for f in form.get("anyOf", []) if "properties" in f), form)
        about = form.get("description", "")
        fields = [
            f"| `{field}` | {_form(value)} | {value.get('description', '')} |"
            for field, value in form["properties"].items()
        ]
        table = "\n".join(["| field | | |", "|---|---|---|", *fields])
        parts.append("\n\n".join(filter(None, (f"## {name}", about, table))))
    return by_hand + "\n" + "\n\n".join(parts) + "\n"


def site() -> str:
    """The configuration of the site, the pages of the commands in its navigation."""
    first, begin, rest = _text(SITE).partition(NAVIGATION[0])
    index, *names = (f"{FOLDER.name}/{name}" for name in pages())
    lines = [f'      "{name}",\n' for name in (index, *sorted(names))]
    inner = "".join(['    { "Commands" = [\n', *lines, "    ] },\n"])
    _, end, last = rest.partition(NAVIGATION[1])
    return first + begin + inner + end + last


def _form(value: dict[str, Any]) -> str:
    """What a part of a schema allows, in words."""
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in value:
        return " or ".join(map(_form, value["anyOf"]))
    if "enum" in value or "const" in value:
        return ", ".join(f"`{json.dumps(one)}`" for one in value.get("enum", [value.get("const")]))
    kind = value.get("type", "any value")
    if kind == "array":
        return f"list of {_form(value['items'])}"
    if "properties" in value:
        inner = ", ".join(f"`{name}`" for name in value["properties"])
        return f"object: {inner}{' or null' if 'null' in kind else ''}"
    return kind if isinstance(kind, str) else " or ".join(kind)


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def _index() -> str:
    rows = [
        f"| [`{name}`]({_file(_same(name)[0])}) | {first_line(de_tasks.ns[name].__doc__)} |"
        for name in CONTEXTS
    ]
    return "\n".join(
        [NOTICE, "", "# Commands", "", BEFORE, "| command | |", "|---|---|", *rows, ""]
    )


def _page(name: str) -> str:
    first, _, rest = description(de_tasks.ns[name].__doc__).partition("\n")
    parts = [NOTICE, f"# {name.replace('.', ' ')}", first, _usage(name)]
    if rest.strip():
        parts.append(rest.strip())
    parts.append("\n".join(["| option | |", "|---|---|", *_options(name)]))
    parts.append("[Exit codes](../exit-codes.md) · [all commands](README.md)")
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


@cache
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
