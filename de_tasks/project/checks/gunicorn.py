"""What gunicorn is told to serve: read from its command line and, by `ast`, from the module.

gunicorn's own rule (its `util.import_app`): `module` or `module:name` or `module:name(...)`, the
name `application` where none is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from de_tasks.project.checks.findings import Finding

FILE = "Procfile"
WITHOUT_VALUE = set(
    "-R -D --capture-output --casefold-http-method --check-config --daemon "
    "--disable-redirect-access-to-syslog --do-handshake-on-connect --enable-backlog-metric "
    "--enable-stdio-inheritance --initgroups --log-syslog --no-control-socket --no-sendfile "
    "--no-verify --permit-obsolete-folding --permit-unconventional-http-method "
    "--permit-unconventional-http-version --preload --print-config --proxy-protocol --reload "
    "--reuse-port --spew --strip-header-spaces --suppress-ragged-eofs".split()
)
"""Options of gunicorn that no value follows."""
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
EXAMPLE = "gunicorn app:server"


def check(line: int, words: Sequence[str], folder: Path) -> Iterator[Finding]:
    """Look at the words after `gunicorn` of a command in line `line` of the Procfile."""
    target, base, configured = _read(words, folder)
    if target is None:
        if not configured:
            what = "gunicorn is not told what to serve."
            yield Finding("gunicorn-app", FILE, line, what, f"Write it like '{EXAMPLE}'")
        return
    if "$" in target:
        return
    module, _, wanted = target.partition(":")
    name = _name(wanted or "application")
    if not MODULE.fullmatch(module) or name is None:
        what = f"gunicorn cannot read {target!r}."
        yield Finding("gunicorn-app", FILE, line, what, f"Write it like '{EXAMPLE}'")
        return
    path = _path(module, base)
    if path is None:
        what = f"gunicorn is to serve {target}, and there is no {module.replace('.', '/')}.py."
        remedy = "Correct the name in the Procfile, or add the file"
        yield Finding("no-module", FILE, line, what, remedy)
    else:
        yield from _module(path, path.relative_to(folder).as_posix(), name, target, line)


def _read(words: Sequence[str], folder: Path) -> tuple[str | None, Path, bool]:
    """What is served, the folder to import it from, and whether a file may say more."""
    target, base = None, folder
    configured = (folder / "gunicorn.conf.py").is_file()
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            target = target or word
            continue
        if not equals and option not in WITHOUT_VALUE and (len(option) == 2 or option[1] == "-"):
            value = next(rest, "")
        if option in ("--chdir", "--pythonpath"):
            base = folder / value
        configured = configured or option in ("-c", "--config")
    base = base.resolve()
    return target, base if base.is_relative_to(folder) else folder, configured


def _name(text: str) -> str | None:
    """The name in `name` or `name(...)`, None for anything else."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    tree = tree.func if isinstance(tree, ast.Call) else tree
    return tree.id if isinstance(tree, ast.Name) else None


def _path(module: str, base: Path) -> Path | None:
    stem = base.joinpath(*module.split("."))
    for path in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
        if path.is_file():
            return path
    return None


def _module(path: Path, file: str, name: str, target: str, line: int) -> Iterator[Finding]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", 0) or 0
        what = f"gunicorn is to serve {target}, and Python cannot read {file}: {error.args[0]}."
        yield Finding("syntax-error", file, number, what, "Correct it")
        return
    names = defined(tree)
    if names is None or name in names:
        return
    remedy = "Define it, or correct the name in the Procfile"
    dash = _dash_app(tree)
    if dash and name == "server":
        remedy = f"Add to {file}, below {dash}: server = {dash}.server"
    what = f"gunicorn is to serve {target}, and {file} does not define {name}."
    yield Finding("no-variable", FILE, line, what, remedy)


def defined(tree: ast.Module) -> set[str] | None:
    """The names that a module defines, None where that cannot be told without running it."""
    names: set[str] = set()
    for node in _at_module_level(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            names |= {(item.asname or item.name).partition(".")[0] for item in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            names |= set(node.names)
        elif isinstance(node, ast.Name) and node.id in ("globals", "exec"):
            return None
    # `from x import *`, and a module's own __getattr__ (PEP 562).
    return None if names & {"*", "__getattr__"} else names


def _at_module_level(node: ast.AST) -> Iterator[ast.AST]:
    """Everything that runs when the module is imported: not what is inside functions, classes."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            yield from _at_module_level(child)


def _dash_app(tree: ast.Module) -> str | None:
    """The variable that holds the Dash app, where there is one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made, variable = node.value.func, node.targets[0]
            called = made.attr if isinstance(made, ast.Attribute) else getattr(made, "id", "")
            if called == "Dash" and isinstance(variable, ast.Name):
                return variable.id
    return None
