"""Users of a sandbox at a keyboard, with both programs."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from invoke import Program

import de_tasks
from de_tasks.auth.store import Store
from de_tasks.cli.program import DeTasksProgram
from de_tasks.server import control
from de_tasks.terminal.commands import speak_as
from tests.support import wheelhouse
from tests.support.backstage import backstage

CORE_AS_VARIABLE = {
    "--host": "DASH_ENTERPRISE_HOST",
    "--keyfile": "INVOKE_DE_KEYFILE",
    "--no-keyfile": "INVOKE_DE_NO_KEYFILE",
    "--ca-path": "DASH_ENTERPRISE_CA_PATH",
}
"""Under `inv`, what the program takes as core options comes from the environment."""


TASKS = "from de_tasks import ns\n"
PROGRAMS = Path(sys.executable).parent
LONGEST = 180
"""Seconds; none of our commands takes nearly as long."""


@dataclass(frozen=True)
class Done:
    """A finished command. `opened` are the addresses that a browser was asked to open."""

    code: int
    out: str
    err: str
    opened: tuple[str, ...] = ()


@dataclass
class Person:
    """Somebody with a home and a login of their own; a browser is started if somebody `browses`.

    `run`, `inv` and `call` work in this process, which is quick; `spawn` and `begin` start one.
    """

    home: Path
    host: str
    environment: dict[str, str] = field(default_factory=dict)
    browses: bool = False
    name: str = ""

    @property
    def keyfile(self) -> Path:
        """Where the login is kept."""
        return self.home / "login.json"

    def run(
        self,
        line: str | Sequence[str],
        program: str = "de-tasks",
        stdin: str = "",
        folder: Path | None = None,
        terminal: bool = False,
    ) -> Done:
        """Run a line of the reference's grammar under one of the programs.

        On a `terminal`, questions are asked and `stdin` is what is typed.
        """
        words = list(line.split() if isinstance(line, str) else line)
        extra: dict[str, str] = {}
        if program == "inv":
            words, extra = as_inv(words)
        return self.call(lambda: run_program(program, words), stdin, folder, terminal, extra)

    def inv(
        self, *words: str, folder: Path | None = None, stdin: str = "", terminal: bool = False
    ) -> Done:
        """Run a line as it is typed after `inv`, with the tasks.py of the folder."""
        where = self._at_work(folder)
        own = functools.partial(run_program, "inv", words, own_tasks=True)
        return self.call(own, stdin, where, terminal)

    def call(
        self,
        body: Callable[[], int],
        stdin: str = "",
        folder: Path | None = None,
        terminal: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> Done:
        """What anything of ours does in the place of a command: a git hook, for example."""
        out, err, opened = io.StringIO(), io.StringIO(), mock.Mock()
        environment = self.variables(extra or {})
        with (
            surroundings(folder or self.home, environment, stdin, out, err),
            mock.patch("de_tasks.terminal.console.at_terminal", lambda: terminal),
            nullcontext()
            if self.browses
            else mock.patch("de_tasks.terminal.browser.open_page", opened),
        ):
            try:
                code = body()
            except SystemExit as end:
                code = int(end.code or 0)
        addresses = tuple(str(call.args[0]) for call in opened.mock_calls)
        return Done(code, out.getvalue(), err.getvalue(), addresses)

    def spawn(
        self, *words: str, folder: Path | None = None, stdin: str = "", program: str = "inv"
    ) -> Done:
        """Run a program of its own to its end: for tests of how it starts, and of many at once."""
        done = subprocess.run(
            [str(PROGRAMS / program), *words],
            cwd=self._at_work(folder),
            env=self.variables(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def begin(
        self, *words: str, folder: Path | None = None, stderr: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """`inv`, running in a session of its own."""
        return subprocess.Popen(
            [str(PROGRAMS / "inv"), *words],
            cwd=self._at_work(folder),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )

    def variables(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of this person's programs."""
        named = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "DASH_ENTERPRISE_HOST": self.host,
            "INVOKE_DE_KEYFILE": str(self.keyfile),
            **wheelhouse.carried(),
            **self.environment,
            **(extra or {}),
        }
        return {name: value for name, value in named.items() if value}

    def _at_work(self, folder: Path | None) -> Path:
        where = folder or self.home
        if not (where / "tasks.py").exists():
            (where / "tasks.py").write_text(TASKS)
        return where


class People:
    """Users of a sandbox whom no other test has, logged in when they are first asked for."""

    def __init__(self, running: control.Running, folder: Path) -> None:
        self._running = running
        self._folder = folder
        self._known: dict[str, Person] = {}

    def __getitem__(self, stem: str) -> Person:
        return self._known.get(stem) or self.add(stem)

    def add(self, stem: str, role: str = "", groups: Sequence[str] = ()) -> Person:
        """A new user, known by `stem` from now on; the name is in `Person.name`."""
        name = backstage(self._running).add(stem, role, groups)
        self._known[stem] = log_in(self._running, name, self._folder / name)
        return self._known[stem]


def log_in(running: control.Running, username: str, home: Path, url: str = "") -> Person:
    """A user of the sandbox, logged in to it, or to what stands before it at `url`."""
    home.mkdir(parents=True, exist_ok=True)
    person = Person(home, url or running.url, name=username)
    Store.at(person.keyfile).put(backstage(running).login(username, url))
    return person


def as_inv(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """A line of the reference's grammar as `inv` takes it: words, and variables for the rest."""
    rest, extra = list(words), {}
    while rest and rest[0] in CORE_AS_VARIABLE:
        variable = CORE_AS_VARIABLE[rest.pop(0)]
        extra[variable] = "1" if variable.endswith("NO_KEYFILE") else rest.pop(0)
    if len(rest) > 1 and rest[0] in de_tasks.ns.collections:
        rest[:2] = [".".join(rest[:2])]
    if len(rest) > 1 and rest[0] in ("check", "deploy", "run") and not rest[1].startswith("-"):
        rest.insert(1, "--path")
    return rest, extra


@contextmanager
def surroundings(
    folder: Path, environment: Mapping[str, str], stdin: str, out: io.StringIO, err: io.StringIO
) -> Iterator[None]:
    """What a process of its own would have: a folder, variables, and where it reads and writes."""
    before, path, tasks = Path.cwd(), list(sys.path), set(de_tasks.ns.tasks)
    os.chdir(folder)
    # As it is for a program, and not the folder of the tests, which has modules of many names.
    sys.path.insert(0, str(PROGRAMS))
    try:
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            # Found once and kept: let the TMPDIR of these variables count.
            mock.patch.object(tempfile, "tempdir", None),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            yield
    finally:
        speak_as("inv")
        os.chdir(before)
        sys.path[:] = path
        sys.modules.pop("tasks", None)
        # A project may add its own to ours, which ends with its process.
        for name in set(de_tasks.ns.tasks) - tasks:
            del de_tasks.ns.tasks[name]  # type: ignore[no-untyped-call]


def run_program(program: str, words: Sequence[str], own_tasks: bool = False) -> int:
    """Run one of the programs; returns its exit status. `own_tasks` are those of a tasks.py here,
    as `inv` takes them."""
    speak_as(program)
    kind = DeTasksProgram if program == "de-tasks" else Program
    namespace = None if own_tasks else de_tasks.ns
    made = kind(namespace=namespace, name=program, version=de_tasks.__version__)
    try:
        made.run([program, *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0
