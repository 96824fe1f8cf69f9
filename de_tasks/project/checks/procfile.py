"""The Procfile: its lines, and the commands in them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from de_tasks.appspec import LARGEST_FILE, process, text_of
from de_tasks.config.system import quoted
from de_tasks.project.checks import shell
from de_tasks.project.checks.findings import NOTE, WARNING, Finding
from de_tasks.project.checks.provided import Provided
from de_tasks.project.checks.shell import Command
from de_tasks.repo.sent import Sent
from de_tasks.terminal.commands import typed

FILE = "Procfile"
ALIKE = ("procfile", "procfiles")
EXAMPLE = "web: gunicorn app:server --workers 4"
HARMLESS = frozenset(
    "cd pushd popd export echo printf set unset [ test true : ulimit umask trap sleep ls pwd env "
    "printenv date cat exec".split()
)
"""What makes no file that a later command might run."""


@dataclass
class Process:
    """A command of a process as it is looked at; `started` gets the files that it loads."""

    line: int
    kind: str
    command: Command
    sent: Sent
    provided: Provided | None
    lowered: str = ""
    """The level of what would be an error, where something before may have made it right."""
    started: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def finding(
        self, code: str, what: str, remedy: str, word: int = 0, lowered: str = ""
    ) -> Finding:
        """A finding in this line; a note from the word on that cannot be followed."""
        level = lowered or self.lowered
        if not self.command.sure(word):
            level = NOTE
        return Finding(code, FILE, self.line, what, remedy, level)


@dataclass(frozen=True)
class Looked:
    """What was found, and the files that processes load, each with the folders of its imports."""

    findings: tuple[Finding, ...]
    started: tuple[tuple[str, tuple[str, ...]], ...]
    workers: tuple[tuple[int, str, tuple[str, ...]], ...] = ()


def check(sent: Sent, provided: Provided | None) -> Looked:
    """Look at the Procfile. `provided` is what the requirements install, None if not known."""
    started: list[tuple[str, tuple[str, ...]]] = []
    workers: list[tuple[int, str, tuple[str, ...]]] = []
    found = list(_lines(sent, provided, started, workers))
    unique = {(f.code, f.line, f.what): f for f in found}
    return Looked(tuple(unique.values()), tuple(dict.fromkeys(started)), tuple(workers))


def _lines(
    sent: Sent,
    provided: Provided | None,
    started: list[tuple[str, tuple[str, ...]]],
    workers: list[tuple[int, str, tuple[str, ...]]],
) -> Iterator[Finding]:
    if not sent.has(FILE):
        yield _missing(sent)
        return
    try:
        text = text_of(sent.read(FILE))
    except UnicodeDecodeError:
        what = "Procfile is not UTF-8 text."
        yield Finding("procfile-line", FILE, 0, what, "Save it as text, in UTF-8")
        return
    if FILE in sent.entries and sent.size(FILE) > LARGEST_FILE:
        what = f"Procfile has more than {LARGEST_FILE} bytes."
        yield Finding("procfile-line", FILE, 0, what, "Save it as text, in UTF-8")
        return
    seen: dict[str, int] = {}
    continued = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        follows, continued = continued, line.endswith("\\")
        if not line or line.startswith("#") or follows:
            continue
        if continued:
            what = "A command is one line: the backslash at its end does not continue it."
            remedy = "Write the whole command in one line, or in a script that the line runs"
            yield Finding("procfile-line", FILE, number, what, remedy)
            seen.setdefault(process(line)[0], number)
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
        yield from _commands(number, kind, command, sent, provided, started, workers)
    if "web" not in seen:
        what = "The Procfile has no web process, which alone receives requests."
        yield Finding("no-web", FILE, 0, what, f"Add a line like '{EXAMPLE}'")


def _missing(sent: Sent) -> Finding:
    what = "There is no Procfile."
    if sent.left_out(FILE):
        return Finding("no-procfile", FILE, 0, *why_left_out(sent, FILE))
    alike = sorted(
        (
            name
            for name in sent.entries
            if posixpath.splitext(posixpath.basename(name))[0].strip().lower() in ALIKE
            and not name.lower().endswith((".dev", ".local", ".py"))
        ),
        key=lambda name: (name.count("/"), name),
    )
    remedy = (
        f"Let {typed('init')} write one, or add a file named Procfile with the line '{EXAMPLE}'"
    )
    if script := in_r(name for name in sent.entries if "/" not in name):
        what = f"{script} is an app in R, and only apps in Python are deployed."
        return Finding("no-procfile", FILE, 0, what, "Deploy it with the platform's own tools")
    if alike and "/" not in alike[0]:
        what = f"There is no Procfile, but {alike[0]}."
        remedy = f"Rename it to Procfile, without an ending: git mv {quoted(alike[0])} Procfile"
    elif alike and alike[0].count("/") == 1:
        what = f"There is no Procfile here, but {alike[0]}."
        remedy = f"Deploy that folder: --path {quoted(posixpath.dirname(alike[0]))}, or de.path"
    return Finding("no-procfile", FILE, 0, what, remedy)


def in_r(names: Iterable[str]) -> str:
    """The script of an app in R among a folder's names; empty where it may be one in Python."""
    found = sorted(names)
    if any(name.endswith(".py") and name != "setup.py" for name in found):
        return ""
    return next((name for name in found if name.lower() in ("app.r", "server.r")), "")


def why_left_out(sent: Sent, name: str) -> tuple[str, str]:
    """That a file of the folder is not sent, and how to send it."""
    if sent.of_git:
        what = f"{name} is not tracked by git: the commit could not be deployed."
        return what, f"Add it to the commit: git add -f {quoted(name)}"
    what = f"A .gitignore leaves {name} out: it would not be deployed."
    if not sent.has_folder(posixpath.dirname(name) or "."):
        # Git lets nothing in again below a folder that is left out.
        return what, "Delete the line of the .gitignore that leaves its folder out"
    return what, f"Add the line '!{name}' to the .gitignore"


def _commands(
    number: int,
    kind: str,
    text: str,
    sent: Sent,
    provided: Provided | None,
    started: list[tuple[str, tuple[str, ...]]],
    workers: list[tuple[int, str, tuple[str, ...]]],
) -> Iterator[Finding]:
    from de_tasks.project.checks import programs

    # Nobody starts what stands at `release` as a process, and the app runs without it.
    lowered = WARNING if kind == "release" or makes_files(sent) else ""
    try:
        commands = list(shell.read(text))
    except ValueError:
        if "$'" not in text:
            what = f"The command of {kind} has a quote without its partner."
            yield Finding("shell-syntax", FILE, number, what, "Add the other quote", lowered)
        return
    for at, command in enumerate(commands):
        if isinstance(command, shell.UnquotedCall):
            what = f"The shell does not take the brackets of {command.text}."
            mark = '"' if "'" in command.text else "'"
            remedy = f"Quote it: {mark}{command.text}{mark}"
            yield Finding("shell-syntax", FILE, number, what, remedy, lowered)
            return
        current = Process(number, kind, command, sent, provided, lowered, started)
        yield from programs.check(current, first=at == 0)
        if programs.is_celery(command):
            workers += [(number, name, roots) for name, roots in started[-1:]]
        if command.words[0] not in HARMLESS:
            lowered = WARNING


def makes_files(sent: Sent) -> bool:
    """Whether a script of the app runs at build time, which may make files."""
    return sent.has("project.toml") and b"predeploy" in sent.read("project.toml")
