"""The Procfile: its lines, and what its processes run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.appspec import process, read_text
from de_tasks.errors import UsageError
from de_tasks.project.checks import gunicorn
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.requirements import Provided

FILE = "Procfile"
EXAMPLE = "web: gunicorn app:server --workers 4"
PROGRAMS = {
    "daphne": "daphne",
    "celery": "celery",
    "flask": "flask",
    "gunicorn": "gunicorn",
    "huey_consumer": "huey",
    "hypercorn": "hypercorn",
    "panel": "panel",
    "rq": "rq",
    "streamlit": "streamlit",
    "uvicorn": "uvicorn",
    "waitress-serve": "waitress",
}
"""Programs that apps are served with, and the package of each."""
SYSTEM = set(
    "bash cat cd cp echo env exec exit export false find grep kill ls mkdir mv nice node pip "
    "rm sed set sh sleep source test timeout touch trap true ulimit wait".split()
)
OPERATORS = set("();<>|&")


@dataclass(frozen=True)
class Command:
    """A process: the line of its Procfile, and the words of each command that it runs."""

    line: int
    kind: str
    words: tuple[str, ...]


def check(folder: Path, provided: Provided | None) -> Iterator[Finding]:
    """Look at the Procfile. `provided` is what the requirements install, None if not known."""
    try:
        text = read_text(folder / FILE)
    except FileNotFoundError:
        remedy = f"Add a file named Procfile with the line '{EXAMPLE}'"
        yield Finding("no-procfile", FILE, 0, "There is no Procfile.", remedy)
        return
    except (UsageError, OSError) as error:
        yield Finding("procfile-line", FILE, 0, str(error), "Save it as text, in UTF-8")
        return
    seen: dict[str, int] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        kind, command = process(line)
        if not kind:
            what = f"{line!r} is not 'type: command'."
            yield Finding("procfile-line", FILE, number, what, f"Write it like '{EXAMPLE}'")
            continue
        if kind in seen:
            what = f"'{kind}' is defined in line {seen[kind]} already."
            yield Finding("procfile-twice", FILE, number, what, "Give it a name of its own")
        seen.setdefault(kind, number)
        for words in commands(command):
            yield from _command(Command(number, kind, words), folder, provided)
    if "web" not in seen:
        what = "The Procfile has no web process, which alone receives requests."
        yield Finding("no-web", FILE, 0, what, f"Add a line like '{EXAMPLE}'")


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """The words of each command of a shell command line, without variables set before them."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        tokens = [*lexer, ";"]
    except ValueError:  # A quote without its partner: the shell will say so.
        return
    for token in tokens:
        if not set(token) <= OPERATORS:
            words.append(token)
            continue
        while words and (words[0] in ("exec", "env", "nice") or "=" in words[0]):
            del words[0]
        if words:
            yield tuple(words)
        words = []


def _command(command: Command, folder: Path, provided: Provided | None) -> Iterator[Finding]:
    program, *rest = command.words
    base = program.rsplit("/", 1)[-1]
    if "$" in program or "`" in program:
        return
    if base.startswith("python"):
        yield from _python(command, rest, folder, provided)
    elif "/" in program:
        if not program.startswith(("/", "~")) and not (folder / program).is_file():
            yield _no_script(command, program)
    elif provided and program not in SYSTEM:
        yield from _required(command, program, provided)
    # Also behind a wrapper, such as `newrelic-admin run-program gunicorn app:server`.
    if "gunicorn" in command.words:
        at = command.words.index("gunicorn") + 1
        yield from gunicorn.check(command.line, command.words[at:], folder)


def _python(
    command: Command, rest: list[str], folder: Path, provided: Provided | None
) -> Iterator[Finding]:
    while rest and rest[0].startswith("-") and rest[0] != "-m":
        if rest[0] == "-c":
            return
        del rest[0]
    if rest[:1] == ["-m"] and len(rest) > 1:
        if provided and rest[1] in PROGRAMS:
            yield from _required(command, rest[1], provided)
    elif rest and rest[0].endswith(".py") and not (folder / rest[0]).is_file():
        yield _no_script(command, rest[0])


def _required(command: Command, program: str, provided: Provided) -> Iterator[Finding]:
    package = PROGRAMS.get(program, program)
    if provided.has(package):
        return
    what = f"The process {command.kind} runs {program}, and no requirement brings it."
    if program in PROGRAMS:
        remedy = f"Add the line '{package}' to requirements.txt"
        yield Finding("not-required", FILE, command.line, what, remedy)
    elif not provided.unnamed:
        remedy = "Add the package that has it to requirements.txt"
        yield Finding("unknown-program", FILE, command.line, what, remedy)


def _no_script(command: Command, name: str) -> Finding:
    what = f"The process {command.kind} runs {name}, which is not in the folder."
    return Finding("no-script", FILE, command.line, what, "Correct the name, or add the file")
