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

from de_tasks.errors import DeTasksError, NotPermitted, Temporary, UsageError

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


@dataclass(frozen=True)
class Remote:
    """Where to push: `header` is the Authorization header's value."""

    url: str
    branch: str
    header: str
    ca_path: str = ""

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"


class Moved(DeTasksError):
    """The remote branch is not where it was expected: somebody else deployed."""


class Damaged(DeTasksError):
    """The repository is not in order."""


class Vanished(DeTasksError):
    """A file went away while it was read."""


class Nested(DeTasksError):
    """A repository without a commit lies in the folder; `path` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a git repository without a commit.")
        self.path = path


class LengthRequired(DeTasksError):
    """The server takes no upload whose length it is not told (HTTP 411)."""


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
        raise error_of(arguments[0], done.stderr)

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
            pairs += [(key, f"Authorization: {remote.header}"), (key, "Prefer: respond-async")]
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


VANISHED = re.compile(r"unable to (stat|index file)|open\(\".*\"\): No such file")
NESTED = re.compile(r"'(.+?)/?' does not have a commit checked out")


def error_of(command: str, stderr: str) -> DeTasksError:
    """The error that git's words stand for."""
    text = stderr.strip()
    words = next((x[8:].strip() for x in text.splitlines() if x.startswith("remote: ")), "")
    nested = NESTED.search(text)
    if nested:
        return Nested(nested[1])
    if any(sign in text.lower() for sign in ("no space left", "out of diskspace", "disk quota")):
        return DeTasksError(
            "The disk is full: the deploy repository in your cache directory cannot grow. "
            "Make room, or set de.cache to another directory"
        )
    if command == "add" and VANISHED.search(text) and "Permission denied" not in text:
        return Vanished(f"A file went away while it was read: {text.splitlines()[0]}")
    if "HTTP 411" in text or "error: 411" in text:
        return LengthRequired("The server takes no upload whose length it is not told.")
    if any(sign in text for sign in ("403", "401", "Authentication failed")):
        return NotPermitted(words or "The server refuses the push for this user.")
    signs = ("Could not resolve host", "Failed to connect", "Couldn't connect", "timed out")
    if any(sign in text for sign in signs):
        return Temporary("The git server does not answer. Run the deploy again")
    if "stale info" in text:
        return Moved("Somebody else deployed at the same moment. Run the deploy again")
    if any(sign in text for sign in ("bad object", "missing", "corrupt", "index file")):
        return Damaged(f"The deploy repository is damaged: {text}")
    return DeTasksError(f"git {command} failed: {words or text}")
