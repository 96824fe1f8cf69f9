"""Git as a subprocess with an environment of our own making.

Nothing of a hook's `GIT_*` variables reaches it (they would redirect it into the developer's
index), nothing of the user's configuration (filters, hooks, insteadOf, excludes), and no
secret stands in argv, URL or file: credentials travel in `GIT_CONFIG_*` variables.

Each command runs in a session of its own, so that an interrupt ends it with all that it
started: a push whose leader alone is killed goes on in its children.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from de_tasks.errors import Temporary, UsageError
from de_tasks.repo import refusal

if TYPE_CHECKING:
    from de_tasks.budget import Spending
    from de_tasks.retry import Attempt

T = TypeVar("T")
SECONDS = 1800
"""The longest that one git command may take."""
CONFIG = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.trustctime": "true",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "http.followRedirects": "false",
    # A checkout in a container often belongs to another user; nothing of it is executed here.
    "safe.directory": "*",
}
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SYSTEMROOT",
    "LANG",
    *(n for v in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for n in (v, v.upper())),
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


class Caller(Protocol):
    """Whom the server sees: see `auth.account.Account`."""

    def header(self) -> str:
        """The value of the Authorization header."""
        ...

    def act(self, function: Callable[[Attempt, Spending], T], points: int = 0) -> T:
        """Call under the retry policy, within the points that there are."""
        ...


@dataclass(frozen=True)
class Remote:
    """Where to push, and as whom."""

    url: str
    branch: str
    caller: Caller
    ca_path: str = ""

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"


class Git:
    """Git commands in one repository; without one, in the repository around `cwd`."""

    def __init__(self, folder: Path | None) -> None:
        self._repository = {"GIT_DIR": str(folder)} if folder else {}
        self._running: set[subprocess.Popen[bytes]] = set()

    def __call__(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> str:
        """What a command prints. Raises an error of the tree with git's own words.

        `progress` is called with each line of stderr as it comes.
        """
        done = self.run(
            *arguments,
            variables=variables,
            config=config,
            remote=remote,
            cwd=cwd,
            stdin=stdin,
            progress=progress,
        )
        if done.returncode == 0:
            return done.stdout
        raise refusal.error_of(arguments[0], done.stderr)

    def run(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """The finished command, whatever its status."""
        try:
            child = subprocess.Popen(
                ["git", *arguments],
                env=self._environment(variables or {}, config or {}, remote),
                cwd=cwd,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise UsageError("git is not installed, and deploying needs it.") from None
        self._running.add(child)
        try:
            if progress is None:
                data = None if stdin is None else stdin.encode("utf-8", "surrogateescape")
                out, err = child.communicate(data, timeout=SECONDS)
            else:
                out, err = _follow(child, progress)
        except subprocess.TimeoutExpired:
            raise Temporary(f"git {arguments[0]} did not finish in {SECONDS} s.") from None
        finally:
            if child.poll() is None:
                _kill(child)
            self._running.discard(child)
        # Not as text from the start: names of files may have any byte, line ends included.
        texts = (data.decode("utf-8", "surrogateescape") for data in (out, err))
        return subprocess.CompletedProcess(arguments, child.returncode, *texts)

    def reach(
        self,
        remote: Remote,
        *arguments: str,
        points: int = 0,
        config: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> str:
        """A command that talks to the remote, tried again as the remote's caller has it."""

        def attempt(this: Attempt, spending: Spending) -> str:
            # A connection without a byte in all that time is given up.
            patience = {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(int(this.seconds))}
            settings = {**patience, **(config or {})}
            return self(*arguments, config=settings, remote=remote, progress=progress)

        return remote.caller.act(attempt, points=points)

    def end(self) -> None:
        """End every command that still runs, with all that it started."""
        for child in list(self._running):
            _kill(child)

    def _environment(
        self, variables: Mapping[str, str], config: Mapping[str, str], remote: Remote | None
    ) -> dict[str, str]:
        pairs = [*CONFIG.items(), *config.items()]
        environment = {n: os.environ[n] for n in KEPT_VARIABLES if n in os.environ}
        environment |= {
            **self._repository,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            **variables,
        }
        if remote:
            # RFC 7240: we follow the build through the API; the push need not wait for it.
            key = f"http.{remote.url}.extraHeader"
            pairs += [
                (key, f"Authorization: {remote.caller.header()}"),
                (key, "Prefer: respond-async"),
            ]
            if remote.ca_path:
                environment["GIT_SSL_CAINFO"] = remote.ca_path
        environment["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (key, value) in enumerate(pairs):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment


def _follow(child: subprocess.Popen[bytes], progress: Callable[[str], None]) -> tuple[bytes, bytes]:
    """Read stderr as it comes; git ends lines of progress with a carriage return."""
    assert child.stdout and child.stderr
    clock = threading.Timer(SECONDS, _kill, [child])
    clock.start()
    printed: list[bytes] = []
    reader = threading.Thread(
        target=lambda stream: printed.append(stream.read()), args=[child.stdout]
    )
    reader.start()
    seen, rest = b"", b""
    try:
        while piece := os.read(child.stderr.fileno(), 4096):
            seen += piece
            *lines, rest = re.split(rb"[\r\n]", rest + piece)
            for line in filter(None, lines):
                progress(line.decode("utf-8", "replace").strip())
        child.wait()
        reader.join()
    finally:
        clock.cancel()
    return b"".join(printed), seen


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    child.wait()
