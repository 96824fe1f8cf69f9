"""Which logins a host's git has taken and refused: a file in the cache, without the logins."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from de_tasks.auth.keyfile import Keyfile
from de_tasks.errors import DeTasksError


@dataclass(frozen=True)
class Known:
    """What is known of a kind of login."""

    accepted: bool
    protocol: int = 2


class GitMemory:
    """What is known of the git at an address. It is disposable: what cannot be kept is asked
    again, and no fault of the file ends a deploy."""

    def __init__(self, cache: Path, git: str) -> None:
        self._file = Keyfile(cache / "git-logins.json")
        self._git = git
        self._here: dict[str, Any] = {}

    def known(self, kind: str, username: str) -> Known | None:
        """What is known of a user's login of a kind; None where nobody has asked."""
        found = {**self._entries(self._read()), **self._here}.get(_key(kind, username))
        if not isinstance(found, dict) or not isinstance(found.get("accepted"), bool):
            return None
        return Known(found["accepted"], 0 if found.get("protocol") == 0 else 2)

    def accept(self, kind: str, username: str, protocol: int) -> None:
        """Remember that a login was taken, in this version of git's protocol."""
        self._keep(kind, username, {"accepted": True, "protocol": protocol})

    def refuse(self, kind: str, username: str) -> None:
        """Remember that a login was refused."""
        self._keep(kind, username, {"accepted": False})

    def forget(self) -> None:
        """Forget the address: after a new login everything may be asked again."""
        self._here = {}
        with suppress(OSError, DeTasksError):
            if self._entries(self._read()):
                with self._file.lock():
                    content = self._read()
                    content["git"] = {n: e for n, e in _all(content).items() if n != self._git}
                    self._file.write(content)

    def _keep(self, kind: str, username: str, entry: dict[str, Any]) -> None:
        self._here[_key(kind, username)] = entry
        with suppress(OSError, DeTasksError), self._file.lock():
            content = self._read()
            entries = {**self._entries(content), _key(kind, username): entry}
            content["git"] = {**_all(content), self._git: entries}
            self._file.write(content)

    def _read(self) -> dict[str, Any]:
        with suppress(OSError, DeTasksError):
            return self._file.read()
        return {}

    def _entries(self, content: dict[str, Any]) -> dict[str, Any]:
        found = _all(content).get(self._git)
        return found if isinstance(found, dict) else {}


def _all(content: dict[str, Any]) -> dict[str, Any]:
    found = content.get("git")
    return found if isinstance(found, dict) else {}


def _key(kind: str, username: str) -> str:
    return f"{kind} of {username}"
