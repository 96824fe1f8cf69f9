"""The Python files that an app loads when it starts: what they import, and known pitfalls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from de_tasks.project.checks import lock_files, modules, own_imports, packages
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.provided import Provided
from de_tasks.repo.sent import Sent

LINKS = ("href", "src")
DASH = ("dash", "dash_bootstrap_components", "dash_html_components", "dash_core_components")


def check(
    sent: Sent, started: Sequence[tuple[str, tuple[str, ...]]], provided: Provided | None
) -> Iterator[Finding]:
    """Look at the files that processes load."""
    starts = [name for name, _ in started]
    roots = list(dict.fromkeys(root for _, places in started for root in places))
    sent.prepare(starts)
    reached = modules.reach(sent, starts, roots)
    if provided and provided.sure:
        yield from _imports(sent, reached, provided)
    if provided:
        yield from _hidden(sent, reached, roots, provided)
    yield from own_imports.check(sent, reached, roots, provided)
    for name, tree in reached.trees.items():
        imported = {i.module for i in reached.imports if i.file == name}
        if imported & set(DASH):
            yield from _links(name, tree)
        if "sqlalchemy" in imported:
            yield from _postgres(name, tree, sent)


def workers(sent: Sent, found: Sequence[tuple[int, str, tuple[str, ...]]]) -> Iterator[Finding]:
    """Whether the module of a Celery worker leads to its tasks."""
    for line, name, roots in found:
        reached = modules.reach(sent, [name], list(roots))
        texts = [sent.read(other) for other in reached.trees]
        if any(_has_tasks(text) or _finds_tasks(text) for text in texts):
            continue
        others = [
            other
            for other in sent.entries
            if other.endswith(".py") and not other.startswith("test")
            if _has_tasks(sent.read(other))
        ]
        if others:
            what = f"The worker loads {name}, which does not import the tasks of {others[0]}."
            remedy = f"Import it in {name}, or name it in include= of Celery(...)"
            yield Finding("celery-tasks", "Procfile", line, what, remedy)


def _has_tasks(text: bytes) -> bool:
    return bool(re.search(rb"^\s*@[\w.]*(shared_task|\.task)\b", text, re.MULTILINE)) or bool(
        re.search(rb"CeleryManager|CeleryLongCallbackManager|register_task", text)
    )


def _finds_tasks(text: bytes) -> bool:
    return bool(re.search(rb"autodiscover_tasks|include\s*=|imports\s*=|import_module", text))


def logout(provided: Provided | None) -> Iterator[Finding]:
    """Whether the button of dash-enterprise-auth is there with this Dash."""
    from packaging.version import Version

    if provided is None:
        return
    dash, auth = (provided.pins.get(name) for name in ("dash", "dash-enterprise-auth"))
    if dash and auth and dash >= Version("3") and auth < Version("0.2.5"):
        what = f"dash-enterprise-auth {auth} looks for dcc.LogoutButton, which Dash {dash} lacks."
        remedy = "Write 'dash-enterprise-auth>=0.2.5'"
        yield Finding("logout-button", "requirements.txt", 0, what, remedy)


def _imports(sent: Sent, reached: modules.Reached, provided: Provided) -> Iterator[Finding]:
    seen = set()
    for imported in reached.imports:
        module = imported.module
        package = packages.package_of(module)
        if module in seen or modules.is_standard(module) or package is None:
            continue
        seen.add(module)
        if provided.has(package) or provided.has(module) or module in modules.own_names(sent):
            continue
        what = f"{imported.file} imports {module}, and no requirement brings it."
        remedy = lock_files.to_add(sent, package)
        yield Finding("import-not-required", imported.file, imported.line, what, remedy)


def _hidden(
    sent: Sent, reached: modules.Reached, roots: Sequence[str], provided: Provided
) -> Iterator[Finding]:
    """Files that Python finds in the place of a package that the requirements bring."""
    seen = set()
    for imported in reached.imports:
        module, package = imported.module, packages.package_of(imported.module)
        if module in seen or package is None or not provided.has(package):
            continue
        seen.add(module)
        if (file := modules.find(sent, module, roots)) is not None:
            what = f"{file} hides the package {package}: 'import {module}' loads that file."
            yield Finding("hidden-package", file, 0, what, "Rename it")


def _links(name: str, tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            value = keyword.value
            if keyword.arg not in LINKS or not isinstance(value, ast.Constant):
                continue
            text = value.value
            if isinstance(text, str) and text.startswith("/") and not text.startswith("//"):
                what = f"{keyword.arg}={text!r} leads past the app, which is served below its name."
                remedy = f"Write {keyword.arg}=dash.get_relative_path({text!r})"
                if text.startswith("/assets/"):
                    remedy = f"Write {keyword.arg}=dash.get_asset_url({text[8:]!r})"
                yield Finding("hard-path", name, value.lineno, what, remedy)


def _postgres(name: str, tree: ast.Module, sent: Sent) -> Iterator[Finding]:
    text = sent.read(name)
    if b"replace" in text or b"postgresql" in text or b"removeprefix" in text:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in ("create_engine", "create_async_engine") and _reads_address(node.args[0]):
            what = "DATABASE_URL may begin with postgres://, which SQLAlchemy 1.4 does not take."
            remedy = "Put .replace('postgres://', 'postgresql://', 1) behind it"
            yield Finding("postgres-url", name, node.lineno, what, remedy)


def _reads_address(value: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Constant) and node.value == "DATABASE_URL" for node in ast.walk(value)
    )
