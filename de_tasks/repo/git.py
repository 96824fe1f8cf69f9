"""Git as a subprocess: everything that runs git runs it here.

Each command runs in a session of its own, so that an interrupt ends it with all that it
started: a push whose leader alone is killed goes on in its children. What the first command does
not need is imported later: git hooks ask before they know whether there is anything to do.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

from de_tasks.config.system import TREE, end_tree
from de_tasks.repo.environment import isolated

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import ClassVar

    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt
    from de_tasks.repo.remote import Remote

    Environment = Callable[[Mapping[str, str], Iterable[tuple[str, str]]], dict[str, str]]

SECONDS = 1800
"""The longest that one git command may take."""
Done = subprocess.CompletedProcess[str]


class Git:
    """Git commands in one repository; without one, in the repository around `cwd`.

    They see our own environment, which leaves out the user's configuration; with `reading` or
    `developers` they may find a repository that we have not made. Each may take `seconds`.
    """

    _of_all: ClassVar[set[subprocess.Popen[bytes]]] = set()
    _listeners: ClassVar[list[Callable[[str], None]]] = []

    def __init__(
        self,
        folder: Path | None,
        environment: Environment = isolated,
        seconds: float = SECONDS,
    ) -> None:
        self._repository = {"GIT_DIR": str(folder)} if folder else {}
        self._environment = environment
        self.seconds = seconds
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
        return self.begin(
            *arguments, variables=variables, config=config, remote=remote, cwd=cwd, stdin=stdin
        ).output()

    def run(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> Done:
        """The finished command, whatever its status."""
        return self.begin(
            *arguments, variables=variables, config=config, remote=remote, cwd=cwd, stdin=stdin
        ).done()

    def begin(
        self,
        *arguments: str,
        variables: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        cwd: Path | None = None,
        stdin: str | bytes | None = None,
    ) -> Running:
        """A command that runs beside others until it is `done`."""
        child = self.start(
            *arguments,
            variables=variables,
            config=config,
            remote=remote,
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        )
        if isinstance(stdin, str):
            stdin = stdin.encode("utf-8", "surrogateescape")
        return Running(self, child, arguments, stdin)

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
            from de_tasks.repo.remote import remote_settings

            pairs = [*pairs, *remote_settings(remote)]
            # And nothing else: the objects that it finds may lie in a repository of anybody's.
            given["GIT_ALLOW_PROTOCOL"] = remote.url.partition(":")[0]
            # The variable overrides whatever a setting says.
            given |= {"GIT_SSL_CAINFO": remote.ca_path} if remote.ca_path else {}
        for listener in self._listeners:
            listener(_spelled(arguments))
        try:
            child = subprocess.Popen(
                ["git", *arguments],
                env=self._environment(given, pairs),
                cwd=cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **TREE,
            )
        except FileNotFoundError:
            from de_tasks.errors import UsageError

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
            self.finish(child)

    @classmethod
    @contextmanager
    def told_to(cls, listener: Callable[[str], None]) -> Iterator[None]:
        """Tell each command, as it would be typed and without secrets, before it runs."""
        cls._listeners.append(listener)
        try:
            yield
        finally:
            cls._listeners.remove(listener)

    @classmethod
    def end_all(cls) -> None:
        """End every command that runs in any thread."""
        for child in list(cls._of_all):
            _kill(child)


class Running:
    """A command that was begun."""

    def __init__(
        self,
        git: Git,
        child: subprocess.Popen[bytes],
        arguments: tuple[str, ...],
        stdin: bytes | None,
    ) -> None:
        self._git = git
        self._child = child
        self._arguments = arguments
        self._stdin = stdin

    def done(self) -> Done:
        """The finished command, whatever its status.

        Raises `Distrusted` where git does not even look at the repository.
        """
        try:
            out, err = self._child.communicate(self._stdin, timeout=self._git.seconds)
        except subprocess.TimeoutExpired:
            from de_tasks.errors import Temporary

            raise Temporary(
                f"git {self._arguments[0]} did not finish in {self._git.seconds:.0f} s."
            ) from None
        finally:
            self._git.finish(self._child)
        # Not as text from the start: names of files may have any byte, line ends included.
        printed, said = (data.decode("utf-8", "surrogateescape") for data in (out, err))
        if self._child.returncode and "safe." in said:
            from de_tasks.repo import errors

            errors.check_trust(said)
        return Done(self._arguments, self._child.returncode, printed, said)

    def output(self) -> str:
        """What it prints. Raises an error of the tree with git's own words."""
        done = self.done()
        if done.returncode:
            from de_tasks.repo import errors

            raise errors.error_of(self._arguments[0], done.stderr)
        return done.stdout


def patience(seconds: float) -> dict[str, str]:
    """Settings with which a connection without a byte in all that time is given up; git knows
    whole seconds, and takes 0 for ever."""
    return {"http.lowSpeedLimit": "1", "http.lowSpeedTime": str(max(1, int(seconds)))}


def _spelled(arguments: tuple[str, ...]) -> str:
    import shlex

    # Our own secrets stand in variables; an address of the developer's may have one.
    return without_logins(shlex.join(("git", *arguments)))


def without_logins(text: str) -> str:
    """A text in which the addresses have no login; a password may have an `@` in it."""
    import re

    return re.sub(r"://[^/\s]*@", "://", text)


def _kill(child: subprocess.Popen[bytes]) -> None:
    end_tree(child)
    child.wait()
