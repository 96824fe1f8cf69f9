"""Where logins are kept: tokens in the OS keyring, or in a file that only its owner reads.

The file lists the hosts either way and says which one was last. It holds tokens only where the
user named it, where there is no keyring, or where the keyring fails: a login is never lost.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from de_tasks.auth.keyfile import Keyfile
from de_tasks.auth.login import Login
from de_tasks.auth.system_keyring import Ring, RingError
from de_tasks.errors import AuthError, UsageError
from de_tasks.terminal.commands import typed

SECRETS = ("access_token", "refresh_token", "expires")
IN_KEYRING = "the keyring of your system"


class Store:
    """Logins by host."""

    def __init__(self, file: Keyfile, ring: Ring | None = None) -> None:
        self._file = file
        self._ring = ring

    @classmethod
    def default(cls) -> Store:
        """The keyring, beside the reference's file, or one next to it where that is not ours.

        Raises `UsageError` where there is no home directory.
        """
        try:
            folder = Path.home() / ".dash_enterprise"
        except RuntimeError:
            raise UsageError(
                "You have no home directory to keep a login in: name a file with --keyfile, "
                "or store nothing with --no-keyfile"
            ) from None
        file = Keyfile(folder / "credentials.json")
        if not file.is_ours():
            file = Keyfile(folder / "de-tasks.json")
        return cls(file, Ring())

    @classmethod
    def at(cls, path: Path) -> Store:
        """A file that the user named: it takes precedence over the keyring."""
        return cls(Keyfile(path.expanduser()))

    def check(self) -> None:
        """Raise `UsageError` where no login could be kept: before anybody types a password."""
        self._file.check()

    def lock(self) -> AbstractContextManager[None]:
        """Keep other processes out; `put` and `remove` do that by themselves."""
        return self._file.lock()

    def hosts(self) -> list[str]:
        """The hosts that there are logins for."""
        return list(self._hosts(self._file.read()))

    def last_host(self) -> str:
        """The host of the last login, empty when there is none."""
        return str(self._file.read().get("last_host") or "")

    def ca_path(self, host: str) -> str:
        """The certificate file that the host was logged in to with."""
        return str(self._hosts(self._file.read()).get(host, {}).get("ca_path", ""))

    def version(self, host: str) -> int:
        """The version of Dash Enterprise that the host was found to be; 0 where nobody knows."""
        found = self._versions(self._file.read()).get(host)
        return found if isinstance(found, int) else 0

    def remember_version(self, host: str, version: int) -> None:
        """Keep what the host was found to be."""
        if self.version(host) == version:
            return
        with self.lock():
            content = self._file.read()
            content["versions"] = {**self._versions(content), host: version}
            self._file.write(content)

    def place(self, host: str) -> str:
        """Where the tokens of a host are, empty when there is no login."""
        entry = self._hosts(self._file.read()).get(host)
        if entry is None:
            return ""
        return str(self._file.path) if "access_token" in entry else IN_KEYRING

    def get(self, host: str) -> Login | None:
        """The login at a host. Raises `AuthError` when the keyring has it and cannot be read,
        `UsageError` for one that is damaged."""
        entry = self._hosts(self._file.read()).get(host)
        if entry is None:
            return None
        if "access_token" not in entry:
            entry = {**entry, **self._from_ring(host)}
        for name, value in entry.items():
            right = (int, float) if name == "expires" else str
            if name in Login.__dataclass_fields__ and not isinstance(value, right):
                kind = "number" if name == "expires" else "text"
                raise UsageError(
                    f"{self._file.path}: in the login to {host}, {name!r} should be a {kind}. "
                    f"Log in again: {typed(f'login --host {host}')}"
                )
        try:
            return Login(**{n: entry[n] for n in Login.__dataclass_fields__ if n in entry})
        except TypeError:
            return None

    def put(self, login: Login, make_last: bool = True) -> str:
        """Keep a login, in the file where the keyring fails.

        Returns a sentence that says where it went and why, empty when the one before went there.
        """
        entry = asdict(login)
        where, why = str(self._file.path), ""
        with self.lock():
            content = self._file.read()
            if self._ring:
                try:
                    secret = json.dumps({name: entry[name] for name in SECRETS})
                    self._ring.set(login.host, secret)
                    entry = {name: entry[name] for name in entry if name not in SECRETS}
                    where = IN_KEYRING
                except RingError as error:
                    why = f" (the keyring {error})"
            news = where != content.get("told")
            content["hosts"] = {**self._hosts(content), login.host: entry}
            if make_last or not content.get("last_host"):
                content |= {"last_host": login.host, "told": where}
            self._file.write(content)
        only = "" if where == IN_KEYRING else ", which only you can read"
        return f"Your login is kept in {where}{only}{why}." if news else ""

    def remove(self, host: str) -> None:
        """Forget a login; the file stays, empty after the last one.

        Raises `AuthError` when the keyring, which had it, does not let it go; the file then
        has forgotten it all the same.
        """
        with self.lock():
            content = self._file.read()
            hosts = self._hosts(content)
            entry = hosts.pop(host, None)
            if content.get("last_host") == host:
                del content["last_host"]
            if entry is not None:
                self._file.write({**content, "hosts": hosts} if hosts else {})
            if self._ring is None or entry is None:
                return
            try:
                # Even when the file had it: an earlier one may be left from before a failure.
                self._ring.delete(host)
            except RingError as error:
                if "access_token" not in entry:
                    raise AuthError(
                        f"The keyring {error}: your login to {host} is still in it. "
                        "Delete the entry de-tasks there"
                    ) from None

    def _from_ring(self, host: str) -> dict[str, Any]:
        try:
            secret = self._ring.get(host) if self._ring else None
            found = json.loads(secret) if secret else {}
            if not isinstance(found, dict):
                found = {}
        except RingError as error:
            raise AuthError(
                f"Your login to {host} is in the keyring, which {error}. "
                "Unlock it, or log in with --keyfile FILE"
            ) from None
        except ValueError:
            found = {}
        return {name: found[name] for name in SECRETS if name in found}

    def _versions(self, content: dict[str, Any]) -> dict[str, Any]:
        versions = content.get("versions")
        return versions if isinstance(versions, dict) else {}

    def _hosts(self, content: dict[str, Any]) -> dict[str, dict[str, Any]]:
        hosts = content.get("hosts")
        if not isinstance(hosts, dict):
            return {}
        return {name: entry for name, entry in hosts.items() if isinstance(entry, dict)}
