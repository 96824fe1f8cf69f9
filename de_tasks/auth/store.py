"""Where logins are kept: tokens in the OS keyring, or in a file that only its owner reads.

The file lists the hosts either way and says which one was last; it holds tokens only where
there is no keyring, or where the user named the file.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from de_tasks.errors import UsageError

FORMAT = "de-tasks"
SERVICE = "de-tasks"


@dataclass(frozen=True)
class Login:
    """A login at one host. `expires` is the access token's, in seconds since 1970."""

    host: str
    username: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires: float


class CredentialsFile:
    """The file of logins, and the keyring beside it when `use_keyring`."""

    def __init__(self, path: Path, use_keyring: bool) -> None:
        self.path = path
        self._use_keyring = use_keyring

    @classmethod
    def default(cls) -> CredentialsFile:
        """The reference's file, or one beside it where that is not ours to alter."""
        folder = Path.home() / ".dash_enterprise"
        path = folder / "credentials.json"
        if not _ours(path):
            path = folder / "de-tasks.json"
        return cls(path, use_keyring=True)

    def last_host(self) -> str:
        """The host of the last login, empty when there is none."""
        return str(self._read().get("last_host") or "")

    def get(self, host: str) -> Login | None:
        """The login at a host."""
        entry = self._read()["hosts"].get(host)
        if entry is None:
            return None
        if "access_token" not in entry:
            secret = _keyring_get(host)
            if secret is None:
                return None
            entry = {**entry, **json.loads(secret)}
        return Login(**{name: entry[name] for name in Login.__dataclass_fields__})

    def put(self, login: Login, make_last: bool = True) -> str:
        """Keep a login; returns where its tokens went: `keyring`, or the file's path."""
        content = self._read()
        entry = asdict(login)
        where = str(self.path)
        tokens = {name: entry[name] for name in ("access_token", "refresh_token", "expires")}
        if self._use_keyring and _keyring_set(login.host, json.dumps(tokens)):
            entry = {name: value for name, value in entry.items() if name not in tokens}
            where = "keyring"
        content["hosts"][login.host] = entry
        if make_last or not content.get("last_host"):
            content["last_host"] = login.host
        self._write(content)
        return where

    def remove(self, host: str) -> None:
        """Forget a login; the file stays."""
        content = self._read()
        entry = content["hosts"].pop(host, None)
        if entry is not None and "access_token" not in entry:
            _keyring_delete(host)
        if content.get("last_host") == host:
            content["last_host"] = None
        self._write(content)

    def _read(self) -> dict[str, Any]:
        if not _ours(self.path):
            raise UsageError(
                f"{self.path} was not written by de-tasks, and is left as it is. "
                "Name another file with --keyfile"
            )
        text = self.path.read_text("utf-8") if self.path.exists() else ""
        empty: dict[str, Any] = {"format": FORMAT, "hosts": {}, "last_host": None}
        return {**empty, **(json.loads(text) if text.strip() else {})}

    def _write(self, content: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=2)
        partial.replace(self.path)


def _ours(path: Path) -> bool:
    if not path.exists():
        return True
    try:
        text = path.read_text("utf-8").strip()
        content = json.loads(text) if text else {}
    except (OSError, ValueError):
        return False
    return content == {} or (isinstance(content, dict) and content.get("format") == FORMAT)


def _keyring_set(host: str, secret: str) -> bool:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, host, secret)
        # The null backend only pretends to store.
        return keyring.get_password(SERVICE, host) == secret
    except (KeyringError, RuntimeError):
        return False


def _keyring_get(host: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, host)
    except (KeyringError, RuntimeError) as error:
        raise UsageError(f"The keyring cannot be read ({error}). Unlock it, or log in again") from (
            error
        )


def _keyring_delete(host: str) -> None:
    import keyring
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        keyring.delete_password(SERVICE, host)
    except PasswordDeleteError:
        return
    except (KeyringError, RuntimeError) as error:
        raise UsageError(f"The keyring cannot be changed ({error}). Unlock it") from error
