"""Writes the page of the library: each task as a function, what it returns, and what it raises."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from de_tasks import errors
from de_tasks.tasks.task import DeTask

BEFORE = """\
# API of the library

Every task is a function of `de_tasks`; a collection is indexed by the name of the task in it. The
first argument is invoke's context, and options are arguments by the same names: what they mean
stands on the pages of the [commands](commands/README.md). How the tasks are used in a `tasks.py` of
your own: [from Python](python.md).
"""
WORD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def page(notice: str, tasks: Mapping[str, DeTask]) -> str:
    """The page, from tasks by their names, such as `apps.list`."""
    calls, waiting = [], dict[str, type]()
    for name, task in tasks.items():
        body = inspect.unwrap(task.body)
        signature = inspect.signature(body)
        module = sys.modules[body.__module__]
        waiting |= _classes(str(signature.return_annotation), module.__name__)
        call = f"{_called(name)}({_parameters(signature)}) -> {signature.return_annotation}"
        about = inspect.cleandoc(task.__doc__ or "").partition("\n")[0]
        calls.append(f"# {about}\n{_wrapped(call)}")
    parts = [notice, BEFORE.rstrip(), "## Tasks", "```\n" + "\n\n".join(calls) + "\n```"]
    parts += ["## What they return", *_values(waiting), "## What they raise", _errors()]
    return "\n\n".join(parts) + "\n"


def _called(name: str) -> str:
    group, _, last = name.rpartition(".")
    return f'de_tasks.{group}["{last}"]' if group else f"de_tasks.{name}"


def _parameters(signature: inspect.Signature) -> str:
    context, *given = signature.parameters.values()
    return ", ".join([context.name, *(_declared(p.name, p.annotation, p.default) for p in given)])


def _declared(name: str, annotation: object, default: object) -> str:
    declared = f"{name}: {annotation}"
    return declared if default is inspect.Parameter.empty else f"{declared} = {default!r}"


def _wrapped(call: str) -> str:
    """The call in lines that end between two parameters."""
    whole = re.sub(r"(?<!,) ", "\0", call)
    lines = textwrap.wrap(whole, 96, subsequent_indent="    ", break_long_words=False)
    return "\n".join(lines).replace("\0", " ")


def _classes(annotation: str, module: str) -> dict[str, type]:
    """The values of ours that an annotation of a module names; what it calls is no value."""
    names = [] if "Callable" in annotation else WORD.findall(annotation)
    found = {name: _named(name, module) for name in names}
    return {name: value for name, value in found.items() if is_dataclass(value)}


def _named(name: str, module: str) -> Any:
    """What a module means by a name, also where only a type checker imports it."""
    given = vars(importlib.import_module(module)).get(name)
    if given is not None:
        return given
    if name not in (imported := _imported(module)):
        return None
    source, original = imported[name]
    return getattr(importlib.import_module(source), original)


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    """The names that a module's file imports, each with the module and the name it has there."""
    file = importlib.import_module(module).__file__ or ""
    with open(file, encoding="utf-8") as text:
        tree = ast.parse(text.read())
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _values(waiting: dict[str, type]) -> Iterator[str]:
    """A section for each class, and for those that its fields name."""
    known: dict[str, type] = {}
    while waiting:
        name = next(iter(waiting))
        known[name] = one = waiting.pop(name)
        for _, annotation in _attributes(one):
            more = _classes(annotation.partition(" = ")[0], one.__module__)
            waiting |= {n: c for n, c in more.items() if n not in known}
    for name, one in sorted(known.items()):
        about = inspect.cleandoc(one.__doc__ or "")
        yield f"### {name}\n\n{about}\n\n{_table('attribute', 'type', rows=_attributes(one))}"


def _attributes(one: type) -> list[tuple[str, str]]:
    """Public fields and properties, each with its type."""
    found = {field.name: str(field.type) for field in fields(one)}
    for base in reversed(one.__mro__[:-1]):
        for name, value in vars(base).items():
            got = value.fget if isinstance(value, property) else getattr(value, "func", None)
            if got is not None and base.__module__.startswith("de_tasks."):
                found[name] = str(inspect.signature(got).return_annotation)
    return [(f"`{name}`", f"`{form}`") for name, form in found.items() if name[0] != "_"]


def _errors() -> str:
    found = [
        (f"`{name}`", str(one.exit_code), _first_paragraph(one))
        for name, one in vars(errors).items()
        if inspect.isclass(one) and issubclass(one, errors.DeTasksError)
    ]
    return _table("`de_tasks.errors`", "exit code", "", rows=found)


def _first_paragraph(one: type) -> str:
    return inspect.cleandoc(one.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _table(*head: str, rows: Iterable[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells))
