"""Which version's files the builds of a sandbox read: it stays with the data directory."""

from __future__ import annotations

from pathlib import Path

from de_tasks.appspec import DEFAULT_VERSION, VERSIONS
from de_tasks.errors import UsageError
from de_tasks.server.files import write_private

FILE = "as-version"


def kept(data: Path) -> int:
    """The version that a data directory remembers, else the default."""
    try:
        found = int((data / FILE).read_text("ascii"))
    except (OSError, ValueError):
        return DEFAULT_VERSION
    return found if found in VERSIONS else DEFAULT_VERSION


def settle(data: Path, wanted: int) -> int:
    """The version that was asked for, else the one that is kept; kept from now on.

    Raises `UsageError` for one that does not exist.
    """
    if wanted and wanted not in VERSIONS:
        raise UsageError(f"--as is {' or '.join(map(str, VERSIONS))}, not {wanted}.")
    version = wanted or kept(data)
    if not (data / FILE).exists() or kept(data) != version:
        write_private(data / FILE, str(version))
    return version
