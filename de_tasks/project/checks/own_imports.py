"""Modules of the app's own that it imports, and that the server does not have."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator, Sequence

from de_tasks.project.checks import modules
from de_tasks.project.checks.findings import WARNING, Finding
from de_tasks.project.checks.procfile import makes_files, why_left_out
from de_tasks.project.checks.provided import Provided
from de_tasks.repo.sent import Sent


def check(
    sent: Sent, reached: modules.Reached, roots: Sequence[str], provided: Provided | None
) -> Iterator[Finding]:
    """Look at what the files that an app loads import from its own folder, sent or not."""
    for file, tree in reached.trees.items():
        for node in tree.body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            relative = isinstance(node, ast.ImportFrom) and node.level > 0
            places = ["."] if relative else [*roots, posixpath.dirname(file) or "."]
            for name in dict.fromkeys(modules.named(node, file)):
                files = modules.files_of(name, places)
                left_out = next((file for file in files if sent.left_out(file)), "")
                below = "" if relative else _below_folder(sent, name)
                if not (left_out or below) or _is_there(sent, name, node, places, provided):
                    continue
                if left_out:
                    code, (what, remedy) = "import-left-out", why_left_out(sent, left_out)
                    what = f"{file} imports {name}. {what}"
                    remedy += ". If it has secrets, make them variables of the app instead"
                else:
                    code, what = "import-own-folder", f"{file} imports {name}, by the name of the "
                    what += "folder that is deployed, which it does not have on the server."
                    remedy = f"Import {below}, or deploy the folder above: --path .."
                lowered = WARNING if _may_come(name, sent, provided) else ""
                yield Finding(code, file, node.lineno, what, remedy, lowered)
                break


def _may_come(name: str, sent: Sent, provided: Provided | None) -> bool:
    """Whether what is installed, or a script at build time, may bring the module."""
    if provided is None or provided.nameless or makes_files(sent):
        return True
    return provided.resembles(name.partition(".")[0])


def _is_there(
    sent: Sent,
    name: str,
    node: ast.Import | ast.ImportFrom,
    places: Sequence[str],
    provided: Provided | None,
) -> bool:
    top = name.partition(".")[0]
    if modules.is_standard(top) or (provided is not None and provided.has(top)):
        return True
    return modules.is_there(sent, name, places) or _is_variable(sent, name, node, places)


def _is_variable(
    sent: Sent, name: str, node: ast.Import | ast.ImportFrom, places: Sequence[str]
) -> bool:
    """Whether `from a import b` takes a variable of the module `a`."""
    above, _, last = name.rpartition(".")
    if isinstance(node, ast.Import) or last not in {alias.name for alias in node.names}:
        return False
    file = modules.find(sent, above, places) if above else None
    tree = modules.parse(sent, file) if file else None
    names = modules.defined(tree) if tree else set()
    return names is None or last in names


def _below_folder(sent: Sent, name: str) -> str:
    """What a name is without the name of the app's own folder before it."""
    top, _, below = name.partition(".")
    own = sent.folder is not None and sent.folder.name == top
    return below if own and below and modules.is_there(sent, below, ["."]) else ""
