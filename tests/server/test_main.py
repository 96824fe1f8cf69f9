"""The sentence of a sandbox that cannot start says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server.__main__ import explain
from de_tasks.server.settings import ServerSettings


def refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "port", "kind", "said"),
    [
        (
            refused(errno.EADDRINUSE),
            80,
            DeTasksError,
            "Port 80 is taken by another program. "
            "Choose another one with --port, or --port 0 for any that is free",
        ),
        (
            refused(errno.EACCES),
            80,
            UsageError,
            "Port 80 is for administrators: choose one above 1023.",
        ),
        (
            refused(errno.EACCES),
            8888,
            DeTasksError,
            "The sandbox cannot use {data}: [Errno 13] Permission denied",
        ),
        (
            refused(errno.ENOSPC),
            8888,
            DeTasksError,
            "The disk is full: the sandbox cannot write to {data}. "
            "Make room, or name another directory with --data",
        ),
        (
            sqlite3.DatabaseError("file is not a database"),
            8888,
            DeTasksError,
            "{data}/sandbox.sqlite3 cannot be used: file is not a database. "
            "`inv sandbox.reset` starts anew with an empty one",
        ),
        (UsageError("Not so."), 8888, UsageError, "Not so."),
    ],
)
def test_what_keeps_a_sandbox_from_starting_is_explained(
    error: Exception,
    port: int,
    kind: type[DeTasksError],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The disk of the tests may be nearly full itself.
    monkeypatch.setattr("de_tasks.server.__main__.LEAST_ROOM", 0)
    explained = explain(error, ServerSettings(tmp_path, port))
    assert type(explained) is kind and str(explained) == said.format(data=tmp_path)


def test_database_that_fails_on_a_full_disk_is_told_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("de_tasks.server.__main__.LEAST_ROOM", 2**63)
    error = sqlite3.OperationalError("disk I/O error")
    said = str(explain(error, ServerSettings(tmp_path)))
    assert said.startswith(f"The disk is full: the sandbox cannot write to {tmp_path}.")
