"""Everything that may go wrong, as one tree; the class decides the exit code.

    DeTasksError                1   refused or failed
    ├── UsageError              2   bad usage or bad configuration
    ├── DeployFailed            3   the build failed, or the app did not become healthy
    ├── AuthError               4
    │   ├── NotLoggedIn         4
    │   └── NotPermitted        4
    ├── NotFound                5   no such app, service, user or process
    ├── OutOfStep               6   an app has not the settings that its file lists
    ├── NotAvailable            1   the way to this server cannot do or tell this
    ├── Temporary              75   network or rate limit outlasted the deadline (EX_TEMPFAIL)
    ├── Declined                1   somebody answered a question with no
    ├── Interrupted           130   Ctrl-C (128 + SIGINT)
    └── OutputClosed          141   whoever read the output has gone (128 + SIGPIPE)

The base is invoke's `Exit`, so under anybody's `tasks.py` the message reaches stderr and
the code reaches the shell without a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence

from invoke.exceptions import Exit


class DeTasksError(Exit):
    """What happened and what to type next, in one or two lines.

    `next` are commands to type that the message does not have as they are typed; `value` is what
    a task has found all the same, such as the findings of a check. `code` is the exit code where
    it is another than that of the class.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        next: Sequence[str] = (),
        value: object = None,
    ) -> None:
        super().__init__(message, self.exit_code if code is None else code)
        self.next = tuple(next)
        self.value = value
        # Exit.__init__ does not call Exception.__init__, and str() would be empty.
        self.args = (message,)

    def __str__(self) -> str:
        return self.message or ""


class UsageError(DeTasksError):
    """The command line or the configuration asks for something that makes no sense."""

    exit_code = 2


class DeployFailed(DeTasksError):
    """The build failed, or the app was built and never answered."""

    exit_code = 3


class AuthError(DeTasksError):
    """The server does not let this caller do this."""

    exit_code = 4


class NotLoggedIn(AuthError):
    """There is no login for the host, or it has expired or was revoked."""


class NotPermitted(AuthError):
    """The login is good, and its user may not do this."""


class NotFound(DeTasksError):
    """The app, service, user or process that was named does not exist."""

    exit_code = 5


class OutOfStep(DeTasksError):
    """What an app has differs from what the configuration lists, as `apps.plan` shows."""

    exit_code = 6


class NotAvailable(DeTasksError):
    """The way to this server, such as the vendor's `de`, cannot do or tell this."""


class Temporary(DeTasksError):
    """Nothing is wrong with the request: the same command may succeed later."""

    exit_code = 75


class Declined(DeTasksError):
    """Whoever was asked answered no, and nothing was done."""


class Interrupted(DeTasksError):
    """The user pressed Ctrl-C."""

    exit_code = 130


class OutputClosed(DeTasksError):
    """Nobody reads the output any more, as after `| head`: there is nothing to say."""

    exit_code = 141
