"""Keyrings for tests: one in memory, one that fails as told, and a real SecretService."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from tests.support.report import needs
from tests.support.waiting import BOUND

SECRET_SERVICE = (
    "printf word | gnome-keyring-daemon --unlock --components=secrets >/dev/null && "
    "echo $DBUS_SESSION_BUS_ADDRESS && exec cat"
)


class Memory(KeyringBackend):
    """A good keyring."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """The secret."""
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a secret."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget a secret."""
        try:
            del self.kept[service, username]
        except KeyError:
            raise keyring.errors.PasswordDeleteError("not there") from None


class Small(Memory):
    """The keyring of Windows: an entry has room for 2560 bytes of UTF-16."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a secret that is not too long."""
        if len(password.encode("utf-16-le")) > 2560:
            raise OSError(1783, "CredWrite", "The stub received bad data")
        super().set_password(service, username, password)


class Failing(Memory):
    """A keyring that fails in a way of its own from `broken` on, having done half its work."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.broken = fault

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, if it works."""
        if self.broken == "locked":
            raise keyring.errors.KeyringLocked("locked")
        if self.broken == "silent":
            threading.Event().wait(BOUND)  # Far longer than anybody waits for it.
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a secret, if it works."""
        if self.broken == "locked":
            raise keyring.errors.KeyringLocked("locked")
        if self.broken == "truncating":
            password = password[:40]
        super().set_password(service, username, password)
        if self.broken == "halfway":
            raise OSError(f"stub received bad data: {password}")

    def delete_password(self, service: str, username: str) -> None:
        """Forget a secret, if it works."""
        if self.broken == "locked":
            raise keyring.errors.KeyringLocked("locked")
        if self.broken == "holding":
            raise keyring.errors.PasswordDeleteError("not allowed")
        super().delete_password(service, username)


@contextmanager
def secret_service(home: Path) -> Iterator[str]:
    """A gnome-keyring of its own on a bus of its own; gives the bus's address."""
    if not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")):
        pytest.skip(needs("there is no Secret Service", "apt-get install dbus gnome-keyring"))
    home.mkdir(mode=0o700, exist_ok=True)
    with subprocess.Popen(
        ["dbus-run-session", "--", "sh", "-c", SECRET_SERVICE],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout and child.stdin
        address = child.stdout.readline().strip()
        assert address, "the keyring did not start"
        try:
            yield address
        finally:
            child.stdin.close()
