"""The app's own modules: where a name leads, and, by `ast`, what a file defines and imports."""

from __future__ import annotations

import ast
import posixpath
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from de_tasks.project.syntax import is_main, tree_of
from de_tasks.repo.sent import Sent

MOST_FILES = 300
"""Files of an app that are followed through its imports."""
COMPILED = (".so", ".pyd", ".pyc")


def find(sent: Sent, module: str, roots: Sequence[str]) -> str | None:
    """The file that a module is imported from, None where there is none in these folders."""
    return next((name for name in files_of(module, roots) if sent.has(name)), None)


def files_of(module: str, roots: Sequence[str]) -> Iterator[str]:
    """The files that a module may be imported from, in the order in which Python looks."""
    for root in roots:
        stem = posixpath.normpath(posixpath.join(root, module.replace(".", "/")))
        yield f"{stem}/__init__.py"
        yield f"{stem}.py"


def is_there(sent: Sent, module: str, roots: Sequence[str]) -> bool:
    """Whether a folder or file has the name of a module, readable or not."""
    for root in roots:
        stem = posixpath.normpath(posixpath.join(root, module.replace(".", "/")))
        if sent.has(f"{stem}.py") or sent.has_folder(stem):
            return True
        if any(name.startswith(f"{stem}.") and name.endswith(COMPILED) for name in sent.entries):
            return True
    return False


def parse(sent: Sent, name: str) -> ast.Module | None:
    """The syntax tree of a file, None for one that Python cannot read."""
    return tree_of(sent.read(name))


def defined(tree: ast.Module) -> set[str] | None:
    """The names that a module defines, None where that cannot be told without running it."""
    names: set[str] = set()
    for node in at_module_level(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {(item.asname or item.name).partition(".")[0] for item in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            names |= set(node.names)
        elif isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars", "locals"):
            return None
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setattr":
            return None
        elif isinstance(node, ast.Attribute) and node.attr == "modules":  # sys.modules[__name__]
            return None
    # `from x import *`, and a module's own __getattr__ (PEP 562).
    return None if names & {"*", "__getattr__"} else names


def at_module_level(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs when the module is imported: not what is inside functions, classes,
    and what only a program runs."""
    for child in ast.iter_child_nodes(node):
        yield child
        if is_main(child):
            yield from at_module_level(ast.Module(child.orelse, []))
        elif not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            yield from at_module_level(child)


def of_program(tree: ast.Module) -> set[str]:
    """The names that are bound only where the file is run as a program."""
    mains = [node for node in tree.body if is_main(node)]
    stored = (node for main in mains for node in ast.walk(main) if isinstance(node, ast.Name))
    return {node.id for node in stored if isinstance(node.ctx, ast.Store)}


def dash_app(tree: ast.Module) -> str | None:
    """The variable that holds the Dash app, where there is one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made, variable = node.value.func, node.targets[0]
            called = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
            if called == "Dash" and isinstance(variable, ast.Name):
                return variable.id
    return None


@dataclass(frozen=True)
class Imported:
    """A module that is imported when a file is, with the line."""

    file: str
    line: int
    module: str


@dataclass(frozen=True)
class Reached:
    """The files that an app loads when it starts, and what they import on the way."""

    trees: dict[str, ast.Module]
    imports: tuple[Imported, ...]


def reach(sent: Sent, starts: Sequence[str], roots: Sequence[str]) -> Reached:
    """The files that are imported from these, directly or not."""
    trees: dict[str, ast.Module] = {}
    imports: list[Imported] = []
    waiting = list(dict.fromkeys(starts))
    while waiting and len(trees) < MOST_FILES:
        name = waiting.pop(0)
        tree = None if name in trees else parse(sent, name)
        if tree is None:
            continue
        trees[name] = tree
        places = [*roots, posixpath.dirname(name) or "."]
        for node in ast.walk(tree):
            for module in named(node, name):
                # A relative import is counted from the app's folder, wherever the roots are.
                found = find(sent, module, ["."] if getattr(node, "level", 0) else places)
                if found and found not in trees:
                    waiting.append(found)
        imports += _imports(tree, name)
        if "pages" in {part for other in trees for part in other.split("/")[:-1]} or _pages(tree):
            waiting += [n for n in sent.entries if "pages" in n.split("/")[:-1] and _is_python(n)]
    return Reached(trees, tuple(imports))


def _is_python(name: str) -> bool:
    return name.endswith(".py")


def _pages(tree: ast.Module) -> bool:
    """Whether a Dash app reads the files of its folder `pages` by itself."""
    return any(isinstance(n, ast.keyword) and n.arg == "use_pages" for n in ast.walk(tree))


def named(node: ast.AST, name: str) -> Iterator[str]:
    """The modules that a statement of the file `name` may import: of `from a import b` also
    `a.b`, which may be a variable."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
            yield alias.name.partition(".")[0]
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = posixpath.dirname(name).split("/")
            kept = parts[: len(parts) - node.level + 1]
            base = ".".join([*filter(None, kept), *([node.module] if node.module else [])])
        if base:
            yield base
        yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _imports(tree: ast.Module, name: str) -> Iterator[Imported]:
    """Modules without which the file cannot be imported: none inside `try`, `if` or functions."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Imported(name, node.lineno, alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield Imported(name, node.lineno, node.module.partition(".")[0])


def own_names(sent: Sent) -> set[str]:
    """Names by which files and folders of the app may be imported, from any of its folders."""
    parts: set[str] = set()
    for name in sent.entries:
        if name.endswith((".py", *COMPILED)):
            parts |= {part.partition(".")[0] for part in name.split("/")}
    return parts


def is_standard(module: str) -> bool:
    """Whether a top-level module comes with Python, of any version that apps run on."""
    return module in sys.stdlib_module_names or module in REMOVED


REMOVED = frozenset(
    "__future__ aifc asynchat asyncore audioop binhex cgi cgitb chunk crypt distutils formatter "
    "imghdr imp lib2to3 macpath mailcap msilib nis nntplib ossaudiodev parser pipes smtpd sndhdr "
    "spwd sunau symbol telnetlib tomllib uu xdrlib zoneinfo graphlib".split()
)
"""Modules that later or earlier Pythons than this one do not have."""
