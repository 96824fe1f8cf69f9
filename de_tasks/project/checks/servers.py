"""What the servers are given: gunicorn, those of ASGI, Celery and Flask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.version import Version

from de_tasks.project.checks import (
    gunicorn,
    lock_files,
    modules,
    packages,
    scripts,
    shell,
    targets,
)
from de_tasks.project.checks.findings import WARNING, Finding
from de_tasks.project.checks.procfile import Process

SERVERS = ("uvicorn", "hypercorn", "daphne", "waitress-serve", "granian", "shiny", "uwsgi")
"""Programs that are given `module:name`."""
COMMANDS = ("worker", "beat")
"""What Celery is told to be."""
REFUSES = Version("5")
"""The first Celery that takes `-A` before them only."""
VALUED = frozenset(
    "--bind -b --host --http --lifespan --log-config --loop --root-path --unix-socket --uds -k "
    "--worker-class --ws --forwarded-allow-ips --interface --log-level --http-socket".split()
)
"""Their options whose values may look like it."""
TARGET = re.compile(r"([A-Za-z_][\w-]*(?:\.[\w-]+)*):([A-Za-z_][\w.]*)(\(.*\))?", re.DOTALL)


def of_gunicorn(process: Process, at: int) -> Iterator[Finding]:
    """Look at what gunicorn is given, by the words from `at` on."""
    line = gunicorn.read(process.command.words[at:])
    last = len(process.command.words) - 1
    for option in line.unknown:
        what = f"gunicorn has no option {option}, as far as is known."
        remedy = "Correct it: https://docs.gunicorn.org/en/stable/settings.html"
        yield process.finding("gunicorn-option", what, remedy, last)
    sent, here = process.sent, process.command.folder
    default = shell.joined(here, "gunicorn.conf.py")
    configured = bool(line.config) or bool(default and sent.has(default))
    for file in (line.config.removeprefix("file:"), line.paste):
        if file and not file.startswith(("python:", "egg:", "config:")):
            yield from scripts.check(process, file, last)
    if line.chdir and shell.known(line.chdir) and not process.lowered:
        place = shell.joined(here, line.chdir)
        if place and not sent.has_folder(place):
            what = f"gunicorn changes to {line.chdir}, which is not in the folder."
            remedy = "Correct the name, or add the folder with its files"
            yield process.finding("no-folder", what, remedy, last)
    yield from _workers(process, line.worker, last)
    if line.unknown:
        return
    if line.target is None:
        if not configured and not line.paste and process.command.sure(last):
            what = "gunicorn is not told what to serve."
            yield process.finding("gunicorn-app", what, f"Write it like '{gunicorn.EXAMPLE}'")
        return
    if line.paste or not shell.known(line.target):
        return
    word = at + line.at
    module, _, wanted = line.target.partition(":")
    name = gunicorn.name_in(wanted or "application")
    if not gunicorn.MODULE.fullmatch(module) or name is None:
        what = f"gunicorn cannot read {line.target!r}."
        remedy = f"Write it like '{gunicorn.EXAMPLE}'"
        folder, slash, last_name = module.rpartition("/")
        if slash and modules.find(sent, last_name, [shell.joined(here, folder) or folder]):
            remedy = f"Write it with the folder before it: --chdir {folder} {last_name}:{wanted}"
        yield process.finding("gunicorn-app", what, remedy, word)
        return
    config = shell.joined(here, line.config.removeprefix("file:") or "gunicorn.conf.py")
    text = sent.read(config) if config and configured else b""
    moved = line.config.startswith("python:") or re.search(rb"chdir|pythonpath|sys\.path", text)
    if not moved:
        roots = targets.roots(process, line.chdir, paths=line.paths)
        yield from targets.check(process, module, name, line.target, word, roots)


def _workers(process: Process, worker: str, word: int) -> Iterator[Finding]:
    """Look at the class of gunicorn's workers, some of which need a package of their own."""
    package = packages.WORKERS.get(worker.partition("#")[2] or worker.partition(".")[0])
    provided = process.provided
    if not package or not provided or provided.has(package) or provided.nameless:
        return
    what = f"gunicorn's worker class {worker} needs {package}, and no requirement brings it."
    remedy = lock_files.to_add(process.sent, package)
    lowered = "" if provided.sure else WARNING
    yield process.finding("not-required", what, remedy, word, lowered)


def of_asgi(process: Process, at: int) -> Iterator[Finding]:
    """The same of one of `SERVERS`."""
    words = process.command.words
    folders: list[str] = []
    target = -1
    for here in range(at, len(words)):
        option, equals, value = words[here].partition("=")
        following = value if equals else words[here + 1] if here + 1 < len(words) else ""
        if option in ("--app-dir", "--chdir", "--working-dir", "--root-dir"):
            folders.append(following)
        elif option in ("--wsgi-file", "--ini", "--reload-config") and following:
            yield from scripts.check(process, following, here)
        elif target < 0 and TARGET.fullmatch(words[here].removeprefix("wsgi:")):
            before = words[here - 1] if here > at else ""
            if before not in VALUED:
                target = here
    if target < 0:
        return
    match = TARGET.fullmatch(words[target].removeprefix("wsgi:"))
    assert match
    name = match[2].partition(".")[0]
    roots = targets.roots(process, *folders)
    yield from targets.check(process, match[1], name, words[target], target, roots)


def of_celery(process: Process, at: int) -> Iterator[Finding]:
    """The same of Celery."""
    target, word, folder = "", 0, ""
    words = process.command.words
    for here in range(at, len(words)):
        option, equals, value = words[here].partition("=")
        following = value if equals else words[here + 1] if here + 1 < len(words) else ""
        if option in ("-A", "--app"):
            target, word = following, here
        elif option.startswith("-A") and not option.startswith("--"):
            target, word = option[2:], here
        elif option in ("--workdir",):
            folder = following
    yield from _order(process, at, word)
    module = target.partition(":")[0].removesuffix(".py")
    if not module or not gunicorn.MODULE.fullmatch(module):
        return
    roots = targets.roots(process, folder)
    if roots is None:
        return
    # `proj.celery` and `proj.app` may be a module, or a variable of `proj`.
    parent = module.rpartition(".")[0]
    for wanted in filter(None, (f"{module}.celery", module, parent)):
        if found := modules.find(process.sent, wanted, roots):
            process.started.append((found, tuple(roots)))
            return
    if not modules.is_there(process.sent, module, roots):
        yield from targets.no_module(process, module, target, word, roots)


def _order(process: Process, at: int, word: int) -> Iterator[Finding]:
    """Look whether `-A`, which is that word, stands where Celery looks for it."""
    words = process.command.words
    command = next((words[here] for here in range(at, word) if words[here] in COMMANDS), "")
    old = process.provided and process.provided.is_before("celery", REFUSES)
    if command and not old:
        option = words[word].partition("=")[0] if words[word].startswith("--") else "-A"
        what = f"Celery 5 takes {option} only before the word {command}."
        remedy = f"Write it like 'celery {option} app {command}'"
        yield process.finding("celery-order", what, remedy, word)


def of_flask(process: Process, at: int) -> Iterator[Finding]:
    """The same of Flask's own server."""
    words = process.command.words
    for here in range(at, len(words)):
        option, equals, value = words[here].partition("=")
        following = value if equals else words[here + 1] if here + 1 < len(words) else ""
        if option not in ("--app", "-A"):
            continue
        name = following.partition(":")[0]
        if name.endswith(".py"):
            yield from scripts.check(process, name, here)
        elif gunicorn.MODULE.fullmatch(name):
            roots = targets.roots(process)
            found = roots and modules.find(process.sent, name, roots)
            if found and roots:
                process.started.append((found, tuple(roots)))
            elif roots and not modules.is_there(process.sent, name, roots):
                yield from targets.no_module(process, name, following, here, roots)
