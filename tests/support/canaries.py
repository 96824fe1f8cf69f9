"""Every command there is, in success and in failure, and the search for secrets behind it.

A new task or hook needs a row here: `test_every_command_has_canaries` says so. A row has lines that
succeed and lines that fail, in the order in which they make sense; both get a secret on stdin.
They are run in this process, which is quick, but for those that are `started`.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from de_tasks.server.runtime import strays

NOT_AN_OPTION = "--no-such-option"


@dataclass(frozen=True)
class Row:
    """Lines of arguments. With `shows` a command prints a secret because it is asked to.

    What is `started` runs as a program of its own where it succeeds.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    shows: bool = False
    started: bool = False


ROWS = {
    "sandbox.status": Row(("--json",), (NOT_AN_OPTION,)),
    "sandbox.start": Row(("--port 0",), ("--port x",)),
    "sandbox.api-key": Row(("",), ("--username nobody-here",), shows=True),
    "sandbox.add-user": Row(
        ("--username other --password-stdin",), ("--username Bad! --password-stdin",)
    ),
    # The lines of a login get the right password, or the wrong one.
    "login": Row(("--username dev --password-stdin",), ("--username dev --password-stdin",)),
    "whoami": Row(("--json",), (NOT_AN_OPTION,)),
    "docs": Row(("",), (NOT_AN_OPTION,)),
    "init": Row(("--path ../fresh --template wsgi --yes",), ("--path ../fresh --template none",)),
    "check": Row(("--json",), ("--path nowhere",)),
    "create": Row(("--name made",), ("--name Bad_Name",)),
    "apps.create": Row(("--name other",), ("--name other",)),
    "deploy": Row(
        ("-y", "-y --ref feature --json"), ("--path nowhere", "--name Bad_Name"), started=True
    ),
    "update": Row(("--add-environment-variable SECRET",), ("--add-viewer nobody-here",)),
    "apps.update": Row(("--env-file secrets.env",), ("--add-environment-variable =x",)),
    "variables.unset": Row(("SECRET",), ("NEVER_SET",)),
    "variables.set": Row(("SECRET", "FROM_FILE --env-file secrets.env"), ("SECRET=x",)),
    "variables.list": Row(("", "--json"), ("--name nothing-here",)),
    "services.create": Row(("--type redis", "--type postgres"), ("--type x",)),
    "services.list": Row(("--json",), ("--type x",)),
    "services.exists": Row(("--type redis",), ("--type x",)),
    "status": Row(("",), ("--name nothing-here",)),
    "apps.status": Row(("--json",), ("--name nothing-here",)),
    "diff": Row(("",), ("--names --stat",)),
    "history": Row(("--json",), ("--count x",)),
    "rollback": Row(("-y",), ("-y --to 99999",)),
    "promote": Row(
        ("--from FOLDER --name promoted -y",), ("--from nothing-here --name promoted -y",)
    ),
    "logs": Row(("", "--json --type build"), ("--process-name nobody",)),
    "apps.logs": Row(("",), ("--type x",)),
    "apps.export": Row(("", "--json"), ("--name nothing-here",)),
    "apps.plan": Row(("--all", "--all --json"), ("--all --name x",)),
    "apps.apply": Row(("--all -y",), ("--all --name x",)),
    "access.list": Row(("", "--csv"), ("--all",)),
    "access.user": Row(("dev",), ("",)),
    "apps.info": Row(("", "--json"), ("--name nothing-here",)),
    # Only admins transfer, and nobody here is one.
    "apps.transfer": Row(("--help",), ("--username x -y", "--username x")),
    "apps.users": Row(("", "--json"), ("--name nothing-here",)),
    "apps.list": Row(("--json",), (NOT_AN_OPTION,)),
    "apps.exists": Row(("--json",), ("--name nothing-here --exit-code",)),
    "restart": Row(("",), ("--name nothing-here",)),
    # Of an app whose build lasts.
    "cancel": Row(("--name lasting",), ("",)),
    "apps.restart": Row(("",), ("--name nothing-here",)),
    "open": Row(("",), ("--name nothing-here",)),
    # Runs until it is interrupted.
    "run": Row(("--with-env",), ("--with-env --name nothing-here", "--path nowhere", "--port x")),
    "doctor": Row(("", "--json"), (NOT_AN_OPTION,)),
    "fleet.matrix": Row(("--json",), ("--format x",)),
    "fleet.status": Row(("--json",), ("--only nowhere",)),
    "fleet.deploy": Row(("--all -y --json",), ("-y --only nowhere",)),
    "preview.deploy": Row(("-y --branch feature",), ("-y --branch feature --ref nothing",)),
    "preview.list": Row(("--json",), ("--name Bad_Name",)),
    "preview.delete": Row(("-y --branch feature",), ("-y --branch never",)),
    "preview.prune": Row(("-y",), ("-y --remote nowhere",)),
    "hooks.install": Row(("",), ("--path nowhere",)),
    "hooks.status": Row(("", "--json"), ("--path nowhere",)),
    "hooks.uninstall": Row(("",), ("--path nowhere",)),
    "services.update": Row(("--type redis --memory 64Mi",), ("--type redis --memory x",)),
    "services.delete": Row(("--type redis -y",), ("--type x -y",)),
    "apps.delete": Row(("--name other -y",), ("--name nothing-here -y",)),
    "delete": Row(("--with-services -y",), ("--name nothing-here -y",)),
    "logout": Row(("",), (NOT_AN_OPTION,)),
    "sandbox.stop": Row(("",), (NOT_AN_OPTION,)),
    "sandbox.reset": Row(("-y",), (NOT_AN_OPTION,)),
}
UNDER_TLS = (
    *("login", "whoami", "init", "deploy", "update", "status", "logs", "rollback", "run"),
    *("doctor", "fleet.deploy", "delete", "logout"),
)
"""What is run besides against a sandbox with certificates: each way to a server once."""
THROUGH_DE = {
    "login": Row((), ("--username dev --password-stdin",)),
    "whoami": Row(("",), (NOT_AN_OPTION,)),
    "apps.create": Row(("--name made",), ("--name made",)),
    "deploy": Row(("-y",), ("--path nowhere", "-y --ref nothing")),
    # Not with a variable's value: `de` takes it in its command line, as the guide says.
    "update": Row(("--title Title",), ("--add-viewer nobody-here",)),
    "services.create": Row(("--type redis",), ("--type x",)),
    "status": Row(("",), ("--name nothing-here",)),
    "logs": Row(("--type build",), ("--name nothing-here",)),
    "history": Row(("",), ("--name nothing-here",)),
    "diff": Row(("--names",), ("--name nothing-here",)),
    "cancel": Row((), ("",)),
    "restart": Row(("",), ()),
    "run": Row((), ("--with-env",)),
    "doctor": Row(("--json",), ()),
    "fleet.deploy": Row(("--all -y --json",), ("-y --only nowhere",)),
    "preview.deploy": Row((), ("-y --branch feature",)),
    "delete": Row(("--with-services -y",), ("--name nothing-here -y",)),
}
"""The same through the vendor's command line, of which tests have a stand-in."""
HOOKS = {
    "de-check": Row(("wsgi.py Procfile",), (NOT_AN_OPTION,)),
    "de-deploy": Row(("origin REMOTE",), (NOT_AN_OPTION,), started=True),
    "de-preview": Row(("origin REMOTE",), (NOT_AN_OPTION,)),
    "de-prune-previews": Row(("",), (NOT_AN_OPTION,)),
}
"""Run where `deploy` has been; what git says on stdin is that main is pushed."""


@dataclass(frozen=True)
class Process:
    """A process as others see it."""

    command: str
    environment: frozenset[str]

    def secrets(self, canaries: Iterable[str], own: str) -> list[str]:
        """What it has and does not need. `own` is what its caller gave to our commands."""
        seen = [text for text in self.environment if not self._needs(text, own)]
        return [c for c in canaries if c in self.command or any(c in text for text in seen)]

    def _needs(self, variable: str, own: str) -> bool:
        name, _, value = variable.partition("=")
        program = self.command.split(" ")[0].rsplit("/", 1)[-1]
        if program in ("git", "git-remote-http", "git-remote-https"):
            # A push has its credentials here, and nowhere else.
            return name.startswith("GIT_CONFIG_VALUE_") and value.startswith("Authorization: ")
        if any(text.startswith("PORT=") for text in self.environment):
            return name in ("SECRET", "FROM_FILE", "REDIS_URL", "DATABASE_URL")
        if any(text.startswith(f"{strays.VARIABLE}=") for text in self.environment):
            # An install: a requirement may need what the app's users have set.
            return name in ("SECRET", "FROM_FILE")
        if "/fake_de" in self.command:
            # The documented way to give the vendor's command line a password.
            return name == "DASH_ENTERPRISE_PASSWORD"
        return variable == own and any(f"/bin/{word}" in self.command for word in ("inv", "de-"))


LOOKS = 50
"""How often a process is looked at: for a second, and longer where much goes on."""


class Watch:
    """Looks at every process that has to do with a folder, again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._before = set(_processes())
        self._commands: dict[int, bytes] = {}
        self._looks: Counter[int] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: set[Process] = set()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            # A program that takes another's place does so soon after it has begun.
            for number in set(_processes()) - self._before:
                self._looks[number] += 1
                if self._looks[number] <= LOOKS:
                    self._read(number)

    def _read(self, number: int) -> None:
        try:
            line, variables = Path(f"/proc/{number}/cmdline"), Path(f"/proc/{number}/environ")
            command = line.read_bytes()
            # Empty while a program is being replaced by another.
            if not command or self._commands.get(number) == command:
                return
            environment = variables.read_bytes()
            if line.read_bytes() != command:
                # These are another program's by now, which the next look finds.
                return
        except OSError:
            return
        # bash ends a name with a NUL while it reads the variable: the next look finds it whole.
        torn = any(b"=" not in text for text in environment.rstrip(b"\0").split(b"\0"))
        if torn and self._looks[number] < LOOKS:
            return
        self._commands[number] = command
        words = command.replace(b"\0", b" ").decode("utf-8", "replace").strip()
        given = frozenset(environment.decode("utf-8", "replace").split("\0"))
        if self._folder in words or any(self._folder in text for text in given):
            self.seen.add(Process(words, given))


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder, and what git has packed away.

    Not the packages of apps, nor what database servers keep, which is for their apps.
    """
    for path in folder.rglob("*"):
        if {"environments", "databases"} & set(path.parts) or path.is_symlink():
            continue
        if path.is_file():
            yield path, path.read_bytes()
        elif (path / "objects").is_dir() and (path / "HEAD").is_file():
            command = ["git", "--git-dir", str(path), "cat-file", "--batch", "--batch-all-objects"]
            done = subprocess.run(command, capture_output=True, check=True, timeout=60)
            yield path / "objects", done.stdout


def stored(database: Path) -> bytes:
    """All that a database has in its tables."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return "\n".join(connection.iterdump()).encode()
