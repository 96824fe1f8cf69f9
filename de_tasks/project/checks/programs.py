"""The programs of a process: is each there, and are the files and modules that it is given?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from de_tasks.project.checks import lock_files, modules, packages, scripts, servers, shell, targets
from de_tasks.project.checks.findings import WARNING, Finding
from de_tasks.project.checks.procfile import Process
from de_tasks.project.checks.shell import Command

SCRIPTS = ("streamlit", "chainlit", "marimo", "solara", "panel", "bokeh", "fastapi", "shiny")
"""Programs that are given the file to run after a word such as `run`."""
SYSTEM_PACKAGES = ("Aptfile", "apt-packages")
"""Files by whose packages programs come that no requirement brings."""


def is_celery(command: Command) -> bool:
    """Whether it is a worker of Celery."""
    words = command.words
    return "celery" in words and "worker" in words


def check(process: Process, first: bool) -> Iterator[Finding]:
    """Look at one command. `first` says that nothing on its line runs before it."""
    program, *rest = process.command.words
    if not shell.known(program):
        return
    base = posixpath.basename(program)
    if program in ("cd", "pushd"):
        yield from _folder(process, rest, first)
        return
    if program in ("source", "."):
        yield from scripts.check(process, rest[0] if rest else "", 1, reads="shell")
        return
    if "/" in program:
        yield from scripts.by_path(process, program)
    elif re.fullmatch(r"(python|pypy)[\d.]*", base):
        pass
    elif base in shell.SHELLS:
        script = shell.after_options(rest) + 1
        if script <= len(rest) and not any(word in ("-s", "-c") for word in rest):
            yield from scripts.check(process, process.command.words[script], script, reads="shell")
    else:
        yield from _required(process, base)
    yield from _given(process, base, 1)


def _given(process: Process, base: str, at: int) -> Iterator[Finding]:
    """Look at what a program is given, by the words from `at` on."""
    words = process.command.words
    if re.fullmatch(r"(python|pypy)[\d.]*", base):
        yield from _python(process, at)
    elif base == "gunicorn":
        yield from servers.of_gunicorn(process, at)
    elif base == "celery":
        yield from servers.of_celery(process, at)
    elif base == "flask":
        yield from servers.of_flask(process, at)
    elif base in SCRIPTS and (script := _file_of(words, at)):
        yield from scripts.check(process, words[script], script)
    elif base in servers.SERVERS:
        yield from servers.of_asgi(process, at)
    elif "gunicorn" in words[at:]:
        # Behind a wrapper that is not known.
        yield from servers.of_gunicorn(process, words.index("gunicorn", at) + 1)


def _folder(process: Process, rest: list[str], first: bool) -> Iterator[Finding]:
    named = [word for word in rest if not word.startswith("-")]
    place = shell.joined(process.command.folder, named[0]) if named else None
    if place is None or process.sent.has_folder(place) or not first:
        return
    what = f"The process {process.kind} changes to {named[0]}, which is not in the folder."
    yield process.finding("no-folder", what, "Correct the name, or add the folder with its files")


def _file_of(words: Sequence[str], at: int) -> int:
    """The word that names the file to run; 0 where there is none."""
    ended = False
    for here in range(at, len(words)):
        word = words[here]
        if word == "--":
            ended = True
        elif not ended and not word.startswith("-") and word.endswith((".py", ".ipynb")):
            return here
    return 0


def _python(process: Process, at: int) -> Iterator[Finding]:
    words = process.command.words
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        at += 1
        if word == "-c" or word == "-" or "h" in word.strip("-")[:1]:
            return
        if word == "-m" or (re.fullmatch(r"-[A-Za-z]*m", word)):
            if at < len(words):
                yield from _run_module(process, words[at], at)
            return
        if word in ("-W", "-X"):
            at += 1
    if at < len(words):
        yield from scripts.check(process, words[at], at, by_python=True)
        if posixpath.basename(words[at]) == "manage.py":
            yield from _server_of_django(process)


def _server_of_django(process: Process) -> Iterator[Finding]:
    provided = process.provided
    if provided and not provided.has("django") and not provided.nameless:
        yield _not_required(process, "django", "django")


def _run_module(process: Process, name: str, at: int) -> Iterator[Finding]:
    if not shell.known(name) or modules.is_standard(name.partition(".")[0]):
        return
    roots = targets.roots(process)
    if roots is not None and modules.is_there(process.sent, name, roots):
        for module in (f"{name}.__main__", name):
            if found := modules.find(process.sent, module, roots):
                process.started.append((found, tuple(roots)))
                return
        return
    program = name.replace("_", "-") if name.replace("_", "-") in packages.PROGRAMS else name
    program = {"waitress": "waitress-serve"}.get(program, program)
    if program in packages.PROGRAMS:
        if process.provided:
            yield from _required(process, program)
        yield from _given(process, program, at + 1)
    elif roots is not None:
        yield from targets.no_module(process, name, name, at, roots)


def _required(process: Process, program: str) -> Iterator[Finding]:
    provided = process.provided
    if provided is None or program in shell.COREUTILS or program in shell.SHELLS:
        return
    package = packages.PROGRAMS.get(program)
    if package:
        if not provided.has(package) and not (provided.nameless or provided.resembles(program)):
            yield _not_required(process, program, package)
        return
    if not provided.sure or provided.has(program) or provided.resembles(program):
        return
    by_apt = any(process.sent.has(name) for name in SYSTEM_PACKAGES)
    if process.command.sure() and not process.lowered and not by_apt:
        what = f"The process {process.kind} runs {program}, and no requirement brings it."
        remedy = "Add the package that has it to requirements.txt"
        yield process.finding("unknown-program", what, remedy)


def _not_required(process: Process, program: str, package: str) -> Finding:
    provided = process.provided
    assert provided
    what = f"The process {process.kind} runs {program}, and no requirement brings it."
    remedy = lock_files.to_add(process.sent, package)
    excluded = provided.excluded.get(package)
    if excluded:
        what = (
            f"The process {process.kind} runs {program}, and the marker in {excluded.file}:"
            f"{excluded.number} excludes it from the server, which runs Linux."
        )
        remedy = f"Take the marker out of: {excluded.text}"
    elif package == "fastapi-cli":
        remedy = "Write 'fastapi[standard]' in requirements.txt"
    return process.finding("not-required", what, remedy, lowered="" if provided.sure else WARNING)
