"""The programs of a process: is each there, and are the files and modules that it is given?"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator, Sequence

from de_tasks.project.checks import gunicorn, modules, packages, shell
from de_tasks.project.checks.findings import WARNING, Finding
from de_tasks.project.checks.procfile import Process, why_left_out
from de_tasks.project.checks.shell import Command

SCRIPTS = ("streamlit", "chainlit", "marimo", "solara", "panel", "bokeh", "fastapi", "shiny")
"""Programs that are given the file to run after a word such as `run`."""
VERBS = ("run", "serve", "dev", "edit")
SERVERS = ("uvicorn", "hypercorn", "daphne", "waitress-serve", "granian", "shiny", "uwsgi")
"""Programs that are given `module:name`."""
VALUED = frozenset(
    "--bind -b --host --http --lifespan --log-config --loop --root-path --unix-socket --uds -k "
    "--worker-class --ws --forwarded-allow-ips --interface --log-level --http-socket".split()
)
"""Their options whose values may look like it."""
TARGET = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*):([A-Za-z_][\w.]*)(\(.*\))?", re.DOTALL)
NEWER = re.compile(
    rb"^\s*type \w+.*=|\b(def|class) \w+\[|\bexcept\*|\b[rR]?[fFtT][\"']|\bexcept \w+,",
    re.MULTILINE,
)
"""Signs of what Python has learned since 3.10."""
ENVIRONMENTS = ("venv", ".venv", "env", ".env", "virtualenv", "ENV")
HIDDEN = ("/", "~")


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
        yield from _script(process, rest[0] if rest else "", 1, reads="shell")
        return
    if "/" in program:
        yield from _by_path(process, program)
    elif re.fullmatch(r"(python|pypy)[\d.]*", base):
        pass
    elif base in shell.SHELLS:
        script = next((at for at, word in enumerate(rest, 1) if not word.startswith(("-", "+"))), 0)
        if script and not any(word in ("-s", "-c") for word in rest):
            yield from _script(process, process.command.words[script], script, reads="shell")
    else:
        yield from _required(process, base)
    yield from _given(process, base, 1)


def _given(process: Process, base: str, at: int) -> Iterator[Finding]:
    """Look at what a program is given, by the words from `at` on."""
    words = process.command.words
    if re.fullmatch(r"(python|pypy)[\d.]*", base):
        yield from _python(process, at)
    elif base == "gunicorn":
        yield from _gunicorn(process, at)
    elif base == "celery":
        yield from _celery(process, at)
    elif base == "flask":
        yield from _flask(process, at)
    elif base in SCRIPTS and (script := _file_of(words, at)):
        yield from _script(process, words[script], script)
    elif base in SERVERS:
        yield from _server(process, at)
    elif "gunicorn" in words[at:]:
        # Behind a wrapper that is not known.
        yield from _gunicorn(process, words.index("gunicorn", at) + 1)


def _folder(process: Process, rest: list[str], first: bool) -> Iterator[Finding]:
    named = [word for word in rest if not word.startswith("-")]
    place = shell.joined(process.command.folder, named[0]) if named else None
    if place is None or process.sent.has_folder(place) or not first:
        return
    what = f"The process {process.kind} changes to {named[0]}, which is not in the folder."
    yield process.finding("no-folder", what, "Correct the name, or add the folder with its files")


def _by_path(process: Process, program: str) -> Iterator[Finding]:
    top = posixpath.normpath(program).split("/")[0]
    inside = shell.joined(process.command.folder, program)
    if inside and not process.sent.has(inside) and "/bin/" in f"/{program}" and (
        top in ENVIRONMENTS or "venv" in top
    ):  # fmt: skip
        what = f"The process {process.kind} runs {program}, of an environment that is not sent."
        remedy = f"Name the program alone: {posixpath.basename(program)}"
        yield process.finding("no-script", what, remedy)
    else:
        yield from _script(process, program, 0, reads="itself")


def _script(process: Process, name: str, word: int, reads: str = "") -> Iterator[Finding]:
    """Look at a file that is run: by Python, by the shell, or by `itself`."""
    sent, path = process.sent, shell.joined(process.command.folder, name)
    if path is None or not shell.known(name) or "://" in name or "*" in name:
        return
    if not sent.has(path):
        if reads == "" and sent.has_folder(path):
            if sent.has(f"{path}/__main__.py"):
                process.started.append((posixpath.normpath(f"{path}/__main__.py"), (path,)))
            return
        what = f"The process {process.kind} runs {name}, which is not in the folder."
        remedy = "Correct the name, or add the file"
        alike = _other_case(process, path)
        if sent.left_out(path):
            what, remedy = why_left_out(sent, path)
        elif alike:
            remedy = f"The server tells upper and lower case apart: write {alike}"
        yield process.finding("no-script", what, remedy, word)
        return
    data = sent.read(path)
    if reads and not data.startswith((b"\x7fELF", b"MZ")):
        head = data if reads == "shell" else data[: data.find(b"\n") + 1]
        if b"\r\n" in (data if _is_shell(data) else head):
            what = f"{name} has CRLF line ends, which the shell does not read."
            remedy = f"Save it with LF, and keep it so: '{name} text eol=lf' in .gitattributes"
            yield process.finding("crlf-script", what, remedy, word)
    if reads == "itself" and not sent.executable(path):
        what = f"The process {process.kind} runs {name}, which is not executable."
        remedy = f"chmod +x {path}; in git: git update-index --chmod=+x {path}"
        yield process.finding("not-executable", what, remedy, word)
    if path.endswith(".py"):
        here = process.command.folder or "."
        roots = (posixpath.dirname(path) or ".", *process.command.paths)
        roots = (*roots, here) if reads == "" and not path.startswith(here) else roots
        process.started.append((path, roots))


def _is_shell(data: bytes) -> bool:
    head = data.partition(b"\n")[0]
    return not head.startswith(b"#!") or bool(re.search(rb"sh\s*$", head))


def _other_case(process: Process, path: str) -> str:
    lower = path.lower()
    return next((name for name in process.sent.entries if name.lower() == lower), "")


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
        yield from _script(process, words[at], at)
        if posixpath.basename(words[at]) == "manage.py":
            yield from _server_of_django(process)


def _server_of_django(process: Process) -> Iterator[Finding]:
    provided = process.provided
    if provided and not provided.has("django") and not provided.nameless:
        yield _not_required(process, "django", "django")


def _run_module(process: Process, name: str, at: int) -> Iterator[Finding]:
    if not shell.known(name) or modules.is_standard(name.partition(".")[0]):
        return
    roots = _roots(process)
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
        yield from _no_module(process, name, name, at, roots)


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
    if process.command.sure() and not process.lowered:
        what = f"The process {process.kind} runs {program}, and no requirement brings it."
        remedy = "Add the package that has it to requirements.txt"
        yield process.finding("unknown-program", what, remedy)


def _not_required(process: Process, program: str, package: str) -> Finding:
    provided = process.provided
    assert provided
    what = f"The process {process.kind} runs {program}, and no requirement brings it."
    remedy = f"Add the line '{package}' to requirements.txt"
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


def _roots(process: Process, *folders: str, paths: Sequence[str] = ()) -> list[str] | None:
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


def _gunicorn(process: Process, at: int) -> Iterator[Finding]:
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
            yield from _script(process, file, last)
    if line.chdir and shell.known(line.chdir) and not process.lowered:
        place = shell.joined(here, line.chdir)
        if place and not sent.has_folder(place):
            what = f"gunicorn changes to {line.chdir}, which is not in the folder."
            remedy = "Correct the name, or add the folder with its files"
            yield process.finding("no-folder", what, remedy, last)
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
        yield process.finding("gunicorn-app", what, remedy, word)
        return
    config = shell.joined(here, line.config.removeprefix("file:") or "gunicorn.conf.py")
    text = sent.read(config) if config and configured else b""
    moved = line.config.startswith("python:") or re.search(rb"chdir|pythonpath|sys\.path", text)
    if not moved:
        roots = _roots(process, line.chdir, paths=line.paths)
        yield from _module(process, module, name, line.target, word, roots)


def _server(process: Process, at: int) -> Iterator[Finding]:
    words = process.command.words
    folders: list[str] = []
    target = -1
    for here in range(at, len(words)):
        option, equals, value = words[here].partition("=")
        following = value if equals else words[here + 1] if here + 1 < len(words) else ""
        if option in ("--app-dir", "--chdir", "--working-dir", "--root-dir"):
            folders.append(following)
        elif option in ("--wsgi-file", "--ini", "--reload-config") and following:
            yield from _script(process, following, here)
        elif target < 0 and TARGET.fullmatch(words[here].removeprefix("wsgi:")):
            before = words[here - 1] if here > at else ""
            if before not in VALUED:
                target = here
    if target < 0:
        return
    match = TARGET.fullmatch(words[target].removeprefix("wsgi:"))
    assert match
    name = match[2].partition(".")[0]
    roots = _roots(process, *folders)
    yield from _module(process, match[1], name, words[target], target, roots)


def _celery(process: Process, at: int) -> Iterator[Finding]:
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
    module = target.partition(":")[0].removesuffix(".py")
    if not module or not gunicorn.MODULE.fullmatch(module):
        return
    roots = _roots(process, folder)
    if roots is None:
        return
    # `proj.celery` and `proj.app` may be a module, or a variable of `proj`.
    parent = module.rpartition(".")[0]
    for wanted in filter(None, (f"{module}.celery", module, parent)):
        if found := modules.find(process.sent, wanted, roots):
            process.started.append((found, tuple(roots)))
            return
    if not modules.is_there(process.sent, module, roots):
        yield from _no_module(process, module, target, word, roots)


def _flask(process: Process, at: int) -> Iterator[Finding]:
    words = process.command.words
    for here in range(at, len(words)):
        option, equals, value = words[here].partition("=")
        following = value if equals else words[here + 1] if here + 1 < len(words) else ""
        if option not in ("--app", "-A"):
            continue
        name = following.partition(":")[0]
        if name.endswith(".py"):
            yield from _script(process, name, here)
        elif gunicorn.MODULE.fullmatch(name):
            roots = _roots(process)
            found = roots and modules.find(process.sent, name, roots)
            if found and roots:
                process.started.append((found, tuple(roots)))
            elif roots and not modules.is_there(process.sent, name, roots):
                yield from _no_module(process, name, following, here, roots)


def _module(
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
            yield from _no_module(process, module, target, word, roots)
        return
    process.started.append((path, tuple(roots)))
    data = process.sent.read(path)
    tree = modules.parse(process.sent, path)
    if tree is None:
        yield _unreadable(process, path, target, data)
        return
    names = modules.defined(tree)
    if names is None or name in names or _is_submodule(process, path, name):
        return
    remedy = "Define it, or correct the name in the Procfile"
    dash = modules.dash_app(tree)
    if dash and name == "server":
        remedy = f"Add to {path}, below {dash}: server = {dash}.server"
    elif like := _likely(names):
        remedy = f"Define it, or write {module}:{like}"
    what = f"{target} is to be served, and {path} does not define {name}."
    yield process.finding("no-variable", what, remedy, word)


def _likely(names: set[str]) -> str:
    return next((name for name in ("server", "app", "application", "api") if name in names), "")


def _is_submodule(process: Process, path: str, name: str) -> bool:
    folder = posixpath.dirname(path)
    return path.endswith("__init__.py") and modules.is_there(process.sent, name, [folder])


def _unreadable(process: Process, path: str, target: str, data: bytes) -> Finding:
    import ast

    number, reason = 0, "not valid"
    try:
        ast.parse(data)
    except SyntaxError as error:
        number, reason = error.lineno or 0, error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error.args[0] if error.args else error)
    what = f"{target} is to be served, and Python cannot read {path}: {reason}."
    # The app's own Python may be newer than this one.
    lowered = WARNING if sys.version_info < (3, 14) and NEWER.search(data) else process.lowered
    return Finding("syntax-error", path, number, what, "Correct it", lowered)


def _no_module(
    process: Process, module: str, target: str, word: int, roots: Sequence[str]
) -> Iterator[Finding]:
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
    what = f"{target} is to be served, and there is no {file}."
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
