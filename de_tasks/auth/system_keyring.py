"""The keyring of the operating system, through the keyring package.

Its backends are plugins, which fail with errors of their own kinds or wait for a password that
nobody types: whatever happens becomes a `RingError` that says so, within a bounded time.
"""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from de_tasks.errors import AuthError

SERVICE = "de-tasks"
SECONDS = 60.0
"""Time enough to type a password into the keyring's own window."""
LONGEST = 1200
"""Characters of an entry that every keyring takes: that of Windows has room for 2560 bytes, two for
each (learn.microsoft.com, CREDENTIALW), and tokens are longer."""
PARTS = re.compile(r"in (\d{1,3}) parts: ([0-9a-f]{16})")
"""What an entry says whose secret is in others."""

T = TypeVar("T")


class RingError(AuthError):
    """The keyring cannot be used; the message says why, to stand after "the keyring"."""


class Ring:
    """Secrets by name. The backend is looked for at the first use only: that may take a second."""

    def get(self, name: str) -> str | None:
        """The secret, None where there is none."""
        return _bounded(lambda: _read(name))

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
            before = _parts(name, keyring.get_password(SERVICE, name))
            try:
                try:
                    keyring.set_password(SERVICE, name, secret)
                except Exception:
                    if len(secret) <= LONGEST:
                        raise
                    _set_parts(name, secret)
                return _read(name) == secret
            finally:
                now = _parts(name, keyring.get_password(SERVICE, name))
                _delete(part for part in before if part not in now)

        if not _bounded(ask):
            self.delete(name)
            raise RingError("did not keep what was given to it")

    def delete(self, name: str) -> None:
        """Forget a secret; one that is not there is as good as deleted."""

        def ask() -> None:
            import keyring
            from keyring.errors import NoKeyringError, PasswordDeleteError

            _delete(_parts(name, keyring.get_password(SERVICE, name)))
            try:
                keyring.delete_password(SERVICE, name)
            except (NoKeyringError, PasswordDeleteError):
                # keyring's way to say "not there", and also "not allowed": look again.
                if keyring.get_keyring().priority >= 1 and keyring.get_password(SERVICE, name):
                    raise

        _bounded(ask)


def _read(name: str) -> str | None:
    import keyring

    for _ in range(2):
        found = keyring.get_password(SERVICE, name)
        parts = [keyring.get_password(SERVICE, part) for part in _parts(name, found)]
        whole = [part for part in parts if part is not None]
        if len(whole) == len(parts):
            return "".join(whole) if parts else found
        # Another process has just replaced it: look again.
    return None


def _parts(name: str, found: str | None) -> list[str]:
    """The entries that have the secret of an entry, none where it has that itself."""
    said = PARTS.fullmatch(found or "")
    return [f"{name} {said[2]} {number}" for number in range(int(said[1]))] if said else []


def _set_parts(name: str, secret: str) -> None:
    """Keep a long secret in several entries, which the named one lists once they are there: who
    reads meanwhile has the one before."""
    import keyring

    pieces = [secret[at : at + LONGEST] for at in range(0, len(secret), LONGEST)]
    listed = f"in {len(pieces)} parts: {hashlib.sha256(secret.encode()).hexdigest()[:16]}"
    try:
        for part, piece in zip(_parts(name, listed), pieces, strict=True):
            keyring.set_password(SERVICE, part, piece)
        keyring.set_password(SERVICE, name, listed)
    except Exception:
        _delete(_parts(name, listed))
        raise


def _delete(parts: Iterable[str]) -> None:
    import keyring

    for part in parts:
        # It is of no use to anybody: the next login makes another one.
        with suppress(Exception):
            keyring.delete_password(SERVICE, part)


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
