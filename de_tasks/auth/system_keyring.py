"""The keyring of the operating system, through the keyring package.

Its backends are plugins, which fail with errors of their own kinds or wait for a password that
nobody types: whatever happens becomes a `RingError` that says so, within a bounded time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from de_tasks.errors import AuthError

SERVICE = "de-tasks"
SECONDS = 60.0
"""Time enough to type a password into the keyring's own window."""

T = TypeVar("T")


class RingError(AuthError):
    """The keyring cannot be used; the message says why, to stand after "the keyring"."""


class Ring:
    """Secrets by name. The backend is looked for at the first use only: that may take a second."""

    def get(self, name: str) -> str | None:
        """The secret, None where there is none."""

        def ask() -> str | None:
            import keyring

            return keyring.get_password(SERVICE, name)

        return _bounded(ask)

    def set(self, name: str, secret: str) -> None:
        """Keep a secret; when it cannot be read back, it is taken out and the keyring refused."""

        def ask() -> bool:
            import keyring
            from keyring.backends import fail
            from keyring.errors import NoKeyringError

            backend = keyring.get_keyring()
            if isinstance(backend, fail.Keyring):
                raise NoKeyringError
            # As keyring has it, only 1 and above are fit for use: the others store nothing, or
            # plain text in a place that nobody looks at.
            if backend.priority < 1:
                raise RingError(f"is {backend.name}, which does not keep secrets")
            keyring.set_password(SERVICE, name, secret)
            return keyring.get_password(SERVICE, name) == secret

        if not _bounded(ask):
            self.delete(name)
            raise RingError("did not keep what was given to it")

    def delete(self, name: str) -> None:
        """Forget a secret; one that is not there is as good as deleted."""

        def ask() -> None:
            import keyring
            from keyring.errors import NoKeyringError, PasswordDeleteError

            try:
                keyring.delete_password(SERVICE, name)
            except (NoKeyringError, PasswordDeleteError):
                # keyring's way to say "not there", and also "not allowed": look again.
                if keyring.get_keyring().priority >= 1 and keyring.get_password(SERVICE, name):
                    raise

        _bounded(ask)


def _bounded(ask: Callable[[], T]) -> T:
    """What `ask` returns, within `SECONDS`; in a thread, since no backend takes a timeout."""
    answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:  # A plugin's errors may be of any kind; they are named below.
            answers.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        value, error = answers.get(timeout=SECONDS)
    except queue.Empty:
        raise RingError(f"has not answered for {SECONDS:.0f} s") from None
    if error is None:
        return value  # type: ignore[return-value]
    if isinstance(error, RingError):
        raise error
    raise RingError(_reason(error)) from None


def _reason(error: Exception) -> str:
    from keyring.errors import KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return "is missing on this machine"
    if isinstance(error, KeyringLocked):
        return "is locked"
    # Not the error's own words: who knows what a plugin puts there.
    return f"failed with {type(error).__name__}"
