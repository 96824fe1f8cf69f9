"""Git as a subprocess.

Each command runs in a session of its own, so that an interrupt ends it with all that it
started: a push whose leader alone is killed goes on in its children.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from de_tasks.errors import Temporary, UsageError
from de_tasks.repo import refusal
from de_tasks.repo.environment import Remote, environment, remote_settings

if TYPE_CHECKING:
    from de_tasks.budget import Spending
    from de_tasks.retry import Attempt

SECONDS = 1800
"""The longest that one git command may take."""


class Git:
    """Git commands in one repository; without one, in the repository around `cwd`."""

    _of_all: ClassVar[set[subprocess.Popen[bytes]]] = set()

    def __init__(self, folder: Path | None) -> None:
        self._repository = {"GIT_DIR": str(folder)} if folder else {}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def __call__(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> str:
        """What a command prints. Raises an error of the tree with git's own words."""
        done = self.run(
            *arguments, variables=variables, config=config, remote=remote, cwd=cwd, stdin=stdin
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
    ) -> subprocess.CompletedProcess[str]:
        """The finished command, whatever its status."""
        child = self.start(
            *arguments,
            variables=variables,
            config=config,
            remote=remote,
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        )
        given = None if stdin is None else stdin.encode("utf-8", "surrogateescape")
        try:
            out, err = child.communicate(given, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Temporary(f"git {arguments[0]} did not finish in {SECONDS} s.") from None
        finally:
            self.finish(child)
        # Not as text from the start: names of files may have any byte, line ends included.
        texts = (data.decode("utf-8", "surrogateescape") for data in (out, err))
        return subprocess.CompletedProcess(arguments, child.returncode, *texts)

    def reach(
        self, remote: Remote, *arguments: str, points: int = 0, stdin: str | None = None
    ) -> str:
        """A command that talks to the remote, tried again as the remote's caller has it."""

        def attempt(this: Attempt, spending: Spending) -> str:
            return self(*arguments, config=patience(this.seconds), remote=remote, stdin=stdin)

        return remote.caller.act(attempt, points=points)

    def start(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """A command that runs from now on; `finish` must be called with it."""
        pairs: Iterable[tuple[str, str]] = (config or {}).items()
        given = {**self._repository, **(variables or {})}
        if remote:
            pairs = [*pairs, *remote_settings(remote)]
            # The variable goes before all that a setting could say.
            given |= {"GIT_SSL_CAINFO": remote.ca_path} if remote.ca_path else {}
        try:
            child = subprocess.Popen(
                ["git", *arguments],
                env=environment(given, pairs),
                cwd=cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            if cwd and not cwd.is_dir():
                raise UsageError(f"There is no folder {cwd}.") from None
            raise UsageError("git is not installed, and deploying needs it.") from None
        self._running.add(child)
        self._of_all.add(child)
        if self._ended:
            self.finish(child)
        return child

    def finish(self, child: subprocess.Popen[bytes]) -> None:
        """Let go of a command that was started; one that still runs is ended."""
        if child.poll() is None:
            _kill(child)
        self._running.discard(child)
        self._of_all.discard(child)

    def end(self) -> None:
        """End every command that still runs, with all that it started; no other begins."""
        self._ended = True
        for child in list(self._running):
            _kill(child)

    @classmethod
    def end_all(cls) -> None:
        """End every command that runs in any thread."""
        for child in list(cls._of_all):
            _kill(child)


def patience(seconds: float) -> dict[str, str]:
    """Settings with which a connection without a byte in all that time is given up."""
    return {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(int(seconds))}


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    except ProcessLookupError:
        return
    child.wait()
