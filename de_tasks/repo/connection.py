"""A conversation with a remote: what is there, then a push, in one connection.

It drives git's own HTTP client by the documented protocol of remote helpers
(gitremote-helpers(7)), as `git push` does. So the server is asked while the files are still
being read, and a push needs no second answer before it.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

from de_tasks.errors import DeTasksError
from de_tasks.repo.errors import Failed, Moved, error_of
from de_tasks.repo.git import SECONDS, Git, patience
from de_tasks.repo.remote import Remote

Progress = Callable[[str], None]
MOVED = re.compile(
    r"incorrect old value|reference already exists|cannot lock ref|failed to update ref|stale info"
)
"""What servers say of a branch that is not where it was a moment ago."""
WORDS = 200
"""Lines of git's words that are kept: those of an error are the last ones."""


class Conversation:
    """One conversation. `seconds` is how long the server may be silent."""

    def __init__(
        self, git: Git, remote: Remote, seconds: float, config: dict[str, str] | None = None
    ) -> None:
        self._git = git
        self.remote = remote
        self._progress: Progress | None = None
        self._said: deque[str] = deque(maxlen=WORDS)
        self._listed = False
        self._head: str | None = None
        self._child = git.start(
            f"remote-{remote.url.partition(':')[0]}",
            remote.url,
            remote.url,
            remote=remote,
            config={**patience(seconds), **(config or {})},
        )
        self._watch = threading.Timer(SECONDS, git.finish, [self._child])
        self._watch.daemon = True
        self._watch.start()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._say("option progress true", "list for-push")

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind:
            # An interrupt must not wait for a push that is under way.
            self._git.finish(self._child)
        self.close()

    def head(self) -> str | None:
        """The commit that the branch is at, None where there is no branch yet."""
        if not self._listed:
            self._answer()  # To the option: helpers may not know it, and that is no matter.
            while line := self._answer():
                value, _, name = line.partition(" ")
                if name.partition(" ")[0] == self.remote.ref:
                    self._head = value
            self._listed = True
        return self._head

    def push(self, sha: str, progress: Progress) -> bool:
        """Put the branch at a commit; whether the server reported that it is there.

        The server does so only if the branch is still where `head` found it. Raises `Moved`
        when it is not, `Failed` with git's words when the push was not carried out.
        """
        self.head()
        self._progress = progress
        self._say(f"push +{sha}:{self.remote.ref}", "")
        reported = False
        while line := self._answer():
            verdict, _, rest = line.partition(" ")
            reported = reported or verdict == "ok"
            if verdict == "error":
                raise self._refused(rest.partition(" ")[2].strip('"'))
        if not reported:
            # The helper ends a push that broke off as if there had been nothing to push.
            error = error_of("push", self.close())
            if not isinstance(error, Failed):
                raise error
        return reported

    def close(self) -> str:
        """End it; returns what git said meanwhile."""
        self._watch.cancel()
        if self._child.stdin and not self._child.stdin.closed:
            try:
                self._child.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._git.finish(self._child)
        self._git.finish(self._child)
        self._listener.join(5)
        return "\n".join(self._said)

    def _refused(self, reason: str) -> DeTasksError:
        if MOVED.search(reason):
            return Moved("Somebody else deployed at the same moment. Run the deploy again")
        error = error_of("push", self.close())
        if not isinstance(error, Failed):
            return error
        words = [line.removeprefix("remote:").strip() for line in self._said if "remote:" in line]
        return DeTasksError(
            f"The server refuses the push: {' '.join(filter(None, words)) or reason}"
        )

    def _say(self, *lines: str) -> None:
        stdin = self._stream(self._child.stdin)
        try:
            stdin.write("".join(f"{line}\n" for line in lines).encode())
            stdin.flush()
        except (BrokenPipeError, ValueError):
            raise error_of("push", self.close()) from None

    def _answer(self) -> str:
        line = self._stream(self._child.stdout).readline()
        if not line:
            raise error_of("push", self.close())
        return line.decode("utf-8", "surrogateescape").rstrip("\n")

    def _listen(self) -> None:
        """Take what git says to people; it ends lines of progress with a carriage return."""
        stream, rest = self._stream(self._child.stderr), b""
        while piece := stream.read1(4096) if hasattr(stream, "read1") else stream.read(1):
            *lines, rest = re.split(rb"[\r\n]", rest + piece)
            for line in filter(None, lines):
                self._hear(line)
        if rest:
            self._hear(rest)

    def _hear(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        self._said.append(text)
        if self._progress:
            self._progress(text)

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        assert stream is not None
        return stream
