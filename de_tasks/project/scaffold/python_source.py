"""What an app's own Python files say, read by `ast` and never by import.

Nothing of the app is executed, and a file with a syntax error is a file that says nothing.
"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from de_tasks.project.syntax import is_main, refusal, tree_of

MOST_FILES = 500
DEEPEST = 4
LARGEST = 1_000_000
"""Bytes of a file that is read."""
LEFT_OUT = frozenset("venv env node_modules site-packages tests test docs build dist".split())
CALLS = {
    "dash.Dash": "dash",
    "flask.Flask": "flask",
    "fastapi.FastAPI": "fastapi",
    "starlette.applications.Starlette": "fastapi",
    "quart.Quart": "fastapi",
    "celery.Celery": "celery",
    "django.core.wsgi.get_wsgi_application": "django",
}

MAIN = "the block 'if __name__'"
"""Where an app is made that only a program has."""
FILE = re.compile(r"(?:\./)?[\w -]{1,80}(?:[/.][\w -]{1,80}){0,9}\.\w{1,8}")
"""What may be the name of a file in a folder of the app."""
SETTINGS = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*\.settings(?:\.\w+)?")
"""How a Django project names the module of its settings, which it imports by that text."""


@dataclass
class Source:
    """One file. `defined` is each name that it binds at module level, with what that is:
    dash, server, flask, fastapi (any ASGI app), django, celery, wsgi, or empty for anything else.

    `imported` is each such name that comes from elsewhere, as `module.name`; `modules` are all
    modules that it imports anywhere. `layout` tells that it lays a Dash app out, or runs it.
    """

    path: PurePosixPath
    defined: dict[str, str] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    absolute: set[str] = field(default_factory=set)
    """Modules that it names in full, not relative to itself."""
    counted_from: set[tuple[str, ...]] = field(default_factory=set)
    """The packages that its relative imports begin in."""
    texts: set[str] = field(default_factory=set)
    files: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How many of its texts name a file, as they are read in a folder above it or in its own."""
    layout: bool = False
    made: dict[str, str] = field(default_factory=dict)
    """What functions at module level return: by name, as in `defined`."""
    alone: set[str] = field(default_factory=set)
    """Those that may be called without arguments."""
    inside: dict[str, str] = field(default_factory=dict)
    """What functions and classes at module level make and keep to themselves, by their names, and
    what is made where the file is run as a program alone."""
    calls: dict[str, str] = field(default_factory=dict)
    """The function that each name at module level is the result of, as `module.name`."""

    @property
    def test(self) -> bool:
        """Whether the file is a test, by its name."""
        return bool(re.fullmatch(r"tests?_.*|.*_tests?|conftest", self.path.stem))

    @property
    def importable(self) -> bool:
        """Whether the file can be imported: its name need not be an identifier for that."""
        return "." not in self.path.stem

    @property
    def module(self) -> str:
        """The name by which the file is imported from its root."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_all(folder: Path) -> dict[str, Source]:
    """The Python files of a folder, by module; tests, environments and hidden folders left out."""
    found: dict[str, Source] = {}
    for path in _files(folder):
        try:
            tree = tree_of((folder / path).read_bytes())
        except OSError:
            continue
        if tree is None:
            continue
        source = _read(PurePosixPath(path), tree)
        _count_files(source, folder)
        found[source.module] = source
    return found


def first_unreadable(folder: Path) -> tuple[str, str]:
    """The first file that Python cannot read, and why not; both empty where it can read all."""
    for path in _files(folder):
        try:
            if why := refusal((folder / path).read_bytes()):
                return path, why
        except OSError:
            continue
    return "", ""


def _count_files(source: Source, folder: Path) -> None:
    named = [text for text in source.texts if FILE.fullmatch(text)]
    parts = source.path.parent.parts
    for place in (parts[:depth] for depth in range(len(parts) + 1)):
        source.files[place] = sum(_is_file(folder.joinpath(*place, text)) for text in named)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _files(folder: Path) -> Iterator[str]:
    count = 0
    for here, folders, names in os.walk(folder):
        inside = Path(here).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith((".", "__"))
            and name.lower() not in LEFT_OUT
            and not (Path(here) / name / "pyvenv.cfg").exists()
            and len(inside.parts) + 1 < DEEPEST
        )
        for name in sorted(names):
            path = Path(here) / name
            if not name.endswith(".py") or path.is_symlink() or path.stat().st_size > LARGEST:
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield (inside / name).as_posix()


def _read(path: PurePosixPath, tree: ast.Module) -> Source:
    source = Source(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            source.modules |= {alias.name for alias in node.names}
            source.absolute |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            source.modules |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
            if node.level:
                source.counted_from.add(_package(source, node.level))
            else:
                source.absolute.add(base)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            source.texts.add(node.value)
            if settings := SETTINGS.fullmatch(node.value):
                source.absolute.add(settings[0])
    for statement in _module_level(tree.body):
        _bind(source, statement)
        source.layout |= _lays_out(statement)
    for statement in tree.body:
        if is_main(statement):
            source.layout |= any(map(_lays_out, _module_level(statement.body)))
            _look_inside(source, statement, MAIN)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            _look_inside(source, statement, statement.name)
    return source


def _look_inside(
    source: Source, statement: ast.If | ast.FunctionDef | ast.ClassDef, name: str
) -> None:
    """Note what is made where nothing outside sees it."""
    inner = Source(source.path, imported=dict(source.imported))
    nodes = [node for part in statement.body for node in ast.walk(part)]
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _bind(inner, node)
    made = [_kind(inner, node) for node in nodes if isinstance(node, ast.Call)]
    if kind := next(filter(None, made), ""):
        source.inside[name] = kind


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import, also those inside `if`, `try` and `with`; not those that run
    in a program alone."""
    for statement in body:
        yield statement
        if is_main(statement):
            yield from _module_level(statement.orelse)
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for name in ("body", "orelse", "finalbody"):
                yield from _module_level(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                yield from _module_level(handler.body)


def _bind(source: Source, statement: ast.stmt) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            source.imported[name] = alias.name if alias.asname else name
    elif isinstance(statement, ast.ImportFrom):
        base = _base(source, statement)
        for alias in statement.names:
            source.imported[alias.asname or alias.name] = f"{base}.{alias.name}"
    elif isinstance(statement, ast.FunctionDef):
        arguments = [a.arg for a in statement.args.args]
        is_wsgi = len(arguments) == 2 and arguments[0].startswith("env")
        source.defined[statement.name] = "wsgi" if is_wsgi else ""
        if kind := _returned(source, statement):
            source.made[statement.name] = kind
            if _needs_nothing(statement.args):
                source.alone.add(statement.name)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if isinstance(target, ast.Name):
                kind = _kind(source, statement.value)
                if not kind and _wraps(statement.value, target.id):
                    kind = source.defined.get(target.id, "")
                source.defined[target.id] = kind
                if isinstance(statement.value, ast.Call):
                    source.calls[target.id] = _full_name(source, statement.value.func)


def _lays_out(statement: ast.stmt) -> bool:
    """Whether it lays a Dash app out, or runs it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        method = statement.value.func
        return isinstance(method, ast.Attribute) and method.attr in ("run", "run_server")
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, ast.Attribute) and target.attr == "layout" for target in targets)


def _base(source: Source, node: ast.ImportFrom) -> str:
    """The full name of the module that is imported from; `.` counts from the file's package."""
    if not node.level:
        return node.module or ""
    return ".".join([*_package(source, node.level), *([node.module] if node.module else [])])


def _package(source: Source, level: int) -> tuple[str, ...]:
    """The package that so many dots lead to, counted from the folder that was read."""
    return source.path.parents[level - 1].parts if level <= len(source.path.parents) else ()


def _kind(source: Source, value: ast.expr) -> str:
    if isinstance(value, ast.Call):
        called = _full_name(source, value.func)
        return CALLS.get(called) or source.made.get(called, "")
    if isinstance(value, ast.Attribute) and value.attr == "server":
        return "server"
    if isinstance(value, ast.Name):
        return source.defined.get(value.id, "")
    return ""


def _wraps(value: ast.expr, name: str) -> bool:
    """Whether a call is given what stands under the name that its result gets: `app = add(app)`."""
    given = value.args if isinstance(value, ast.Call) else []
    return any(isinstance(argument, ast.Name) and argument.id == name for argument in given)


def _needs_nothing(given: ast.arguments) -> bool:
    plain = len(given.args) + len(given.posonlyargs)
    return plain <= len(given.defaults) and None not in given.kw_defaults


def _returned(source: Source, function: ast.FunctionDef) -> str:
    """What a factory of apps makes, empty for any other function."""
    names: dict[str, str] = {}
    inner = Source(source.path, imported=dict(source.imported), made=source.made)
    for node in ast.walk(function):
        if isinstance(node, ast.ImportFrom | ast.Import):
            _bind(inner, node)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    kind = _kind(inner, node.value)
                    if not kind and _wraps(node.value, target.id):
                        kind = names.get(target.id, "")
                    names[target.id] = kind
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value:
            name = node.value.id if isinstance(node.value, ast.Name) else ""
            if kind := names.get(name) or _kind(inner, node.value):
                return kind
    return ""


def _full_name(source: Source, function: ast.expr) -> str:
    if isinstance(function, ast.Name):
        return source.imported.get(function.id, function.id)
    if isinstance(function, ast.Attribute):
        return f"{_full_name(source, function.value)}.{function.attr}"
    return ""
