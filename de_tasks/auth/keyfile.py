"""A JSON file that only its owner reads, changed all or nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from de_tasks.config.system import others_may_read, quoted, replace
from de_tasks.errors import Temporary, UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

FORMAT = "de-tasks"
LOCK_SECONDS = 60


class Keyfile:
    """The document of a path; it bears our name, so that no other tool's file is altered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: BaseFileLock | None = None

    def is_ours(self) -> bool:
        """Whether there is nothing yet, or what we wrote."""
        try:
            return _content(self.path).get("format") == FORMAT
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False

    def read(self) -> dict[str, Any]:
        """The document, empty when there is none.

        Raises `UsageError` for a file of another tool, and for one that others can read.
        """
        try:
            status = self.path.stat()
            content = _content(self.path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}.") from None
        except ValueError:
            content = {"format": None}
        if content and content.get("format") != FORMAT:
            raise UsageError(
                f"{self.path} was not written by de-tasks, and is left as it is. "
                "Name another file with --keyfile"
            )
        if others_may_read(status):
            raise UsageError(
                f"{self.path} is for your login, and others can read it. Type: "
                f"chmod 600 {quoted(str(self.path))}"
            )
        return content

    def check(self) -> None:
        """Raise `UsageError` where the document could not be written now; leaves nothing."""
        self.read()
        folder = self.path.parent
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with self._named_errors(), tempfile.TemporaryFile(dir=folder):
            pass

    def write(self, content: dict[str, Any]) -> None:
        """Replace the document. Raises `UsageError` where that is not possible."""
        with self._named_errors():
            self._make_folder()
            # mkstemp makes files of mode 0600; their names end otherwise than the file's own.
            descriptor, partial = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    json.dump({"format": FORMAT, **content}, stream, indent=2)
                    stream.flush()
                    os.fsync(stream.fileno())
                replace(partial, self.path)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(partial)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while the document is read and changed; nests in a thread."""
        from filelock import FileLock, Timeout

        if self._lock is None:
            self._lock = FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS, mode=0o600)
        try:
            with self._named_errors():
                self._make_folder()
                self._lock.acquire()
        except Timeout:
            raise Temporary(
                f"Another process has held {self.path}.lock for {LOCK_SECONDS} s."
            ) from None
        try:
            yield
        finally:
            self._lock.release()

    def _make_folder(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not error.strerror:  # filelock's Timeout is an OSError too.
                raise
            raise UsageError(
                f"{self.path} cannot be written: {error.strerror}. Name another file with --keyfile"
            ) from None


def _content(path: Path) -> dict[str, Any]:
    """Raises `ValueError` for anything but a JSON object; a file of nothing counts as empty."""
    text = path.read_text("utf-8").strip()
    content = json.loads(text) if text else {}
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content
