"""The modules that a server is to serve: are they sent, and do they define the name?"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator, Sequence

from packaging.version import Version

from de_tasks.project.checks import modules, packages, shell
from de_tasks.project.checks.findings import WARNING, Finding
from de_tasks.project.checks.procfile import Process, why_left_out

NEWER = re.compile(
    rb"^\s*type \w+.*=|\b(def|class) \w+\[|\bexcept\*|\b[rR]?[fFtT][\"']|\bexcept \w+,",
    re.MULTILINE,
)
"""Signs of what Python has learned since 3.10."""


def roots(process: Process, *folders: str, paths: Sequence[str] = ()) -> list[str] | None:
    """The folders that modules are imported from, None where they are not known."""
    here: str | None = process.command.folder
    for folder in folders:
        here = shell.joined(here, folder) if folder else here
    if here is None or not process.sent.has_folder(here):
        return None
    more = [joined for path in paths if path and (joined := shell.joined(here, path.strip()))]
    if any(path and shell.joined(here, path.strip()) is None for path in paths):
        return None
    installed = process.provided.roots if process.provided else ()
    return [*dict.fromkeys((*more, here, *process.command.paths, *installed))]


def check(
    process: Process, module: str, name: str, target: str, word: int, roots: list[str] | None
) -> Iterator[Finding]:
    """Look at a module that has to define a name."""
    if roots is None:
        return
    path = modules.find(process.sent, module, roots)
    if path is None:
        stem = module.replace(".", "/")
        compiled = any(
            other.startswith(posixpath.normpath(f"{root}/{stem}") + ".")
            and other.endswith(modules.COMPILED)
            for root in roots
            for other in process.sent.entries
        )
        if not compiled:
            yield from no_module(process, module, target, word, roots)
        return
    process.started.append((path, tuple(roots)))
    data = process.sent.read(path)
    tree = modules.parse(process.sent, path)
    if tree is None or _refused(data):
        yield _unreadable(process, path, target, data)
        return
    names = modules.defined(tree)
    dash = modules.dash_app(tree)
    servable = packages.SERVABLE_DASH
    if name == dash and process.provided and process.provided.is_before("dash", Version(servable)):
        what = f"{target} names the Dash app itself, which servers take since Dash {servable}."
        remedy = f"Write {module}:server in the Procfile"
        if "server" not in (names or ()):
            remedy += f", and add to {path}, below {dash}: server = {dash}.server"
        yield process.finding("gunicorn-app", what, remedy, word)
        return
    if names is None or name in names or _is_submodule(process, path, name):
        return
    remedy = "Define it, or correct the name in the Procfile"
    if dash and name == "server":
        remedy = f"Add to {path}, below {dash}: server = {dash}.server"
    elif like := _likely(names):
        remedy = f"Define it, or write {module}:{like}"
    what = f"{path} does not define {name}, which {target} names."
    if name in modules.of_program(tree):
        what = f"{path} defines {name}, which {target} names, only where it is run as a program."
        remedy = f"Define {name} above 'if __name__ == \"__main__\":'"
    yield process.finding("no-variable", what, remedy, word)


def _likely(names: set[str]) -> str:
    return next((name for name in ("server", "app", "application", "api") if name in names), "")


def _is_submodule(process: Process, path: str, name: str) -> bool:
    folder = posixpath.dirname(path)
    return path.endswith("__init__.py") and modules.is_there(process.sent, name, [folder])


def _refused(data: bytes) -> Exception | None:
    """Why Python cannot compile a file, which is more than to parse it; nothing of it is run."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, "<app>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None


def _unreadable(process: Process, path: str, target: str, data: bytes) -> Finding:
    error, number, reason = _refused(data), 0, "not valid"
    if isinstance(error, SyntaxError):
        number, reason = error.lineno or 0, error.msg
    elif error:
        reason = str(error.args[0] if error.args else error)
    what = f"Python cannot read {path}, which {target} names: {reason}."
    remedy, lowered = f"Correct {f'line {number}' if number else 'the file'}", process.lowered
    if isinstance(error, SyntaxError) and _may_be_newer(error, data):
        ours = f"{sys.version_info.major}.{sys.version_info.minor}"
        remedy += f". If the app's Python is newer than {ours} and reads it, ignore this code"
        lowered = WARNING
    return Finding("syntax-error", path, number, what, remedy, lowered)


def _may_be_newer(error: SyntaxError, data: bytes) -> bool:
    """Whether the app's own Python, newer than this one, might read what this one does not."""
    if sys.version_info >= (3, 14):
        return False
    first, last = error.lineno or 1, error.end_lineno or error.lineno or 1
    # Of a string of several lines, Python names the first one or the last.
    refused = data if "string" in error.msg else b"\n".join(data.split(b"\n")[first - 1 : last])
    return bool(NEWER.search(refused))


def no_module(
    process: Process, module: str, target: str, word: int, roots: Sequence[str]
) -> Iterator[Finding]:
    """Say that the module of a target is not there, as far as that is sure."""
    provided, sent = process.provided, process.sent
    top = module.partition(".")[0]
    lowered = ""
    if not modules.is_there(sent, top, roots):
        if provided is None or provided.nameless or modules.is_standard(top):
            return
        if provided.resembles(top) or provided.has(packages.package_of(top) or top):
            return
        lowered = "" if provided.sure else WARNING
    elif provided and provided.nameless and "." in module:
        lowered = WARNING
    file = f"{module.replace('.', '/')}.py"
    what = f"There is no {file}, which {target} names."
    remedy = "Correct the name in the Procfile, or add the file"
    place = _elsewhere(process, module)
    where = posixpath.normpath(posixpath.join(roots[0], file))
    if sent.left_out(where):
        what, remedy = why_left_out(sent, where)
    elif place:
        remedy = f"There is {place}/{file}: put 'cd {place} &&' before the command"
    elif module.endswith(".py"):
        remedy = f"Leave out .py: {target.replace('.py', '', 1)}"
    yield process.finding("no-module", what, remedy, word, lowered)


def _elsewhere(process: Process, module: str) -> str:
    """A folder that has the module, where exactly one does."""
    file = f"/{module.replace('.', '/')}.py"
    found = [name[: -len(file)] for name in process.sent.entries if name.endswith(file)]
    return found[0] if len(found) == 1 else ""
