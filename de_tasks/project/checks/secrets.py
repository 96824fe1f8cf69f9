"""Likely secrets, by kingfisher: an extra, since its rules are its own maintainers' work.

It is run offline: no secret is tried out, and none is in what it prints or we keep.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from de_tasks.config.environment import without_secrets
from de_tasks.config.system import own_program, temporary_folder
from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.project.checks.findings import Finding

ALLOW = "kingfisher:ignore"
"""In a line, or in a comment above it: what stands there is no secret."""
COMMENTS = ("#", "//", "--", "<!--", "/*", ";")
OFFLINE = ("--no-validate", "--no-update-check")
QUIET = ("--quiet", "--redact", "--format", "json")
# Its own would leave out a secret that stands elsewhere again, and what is near a marked line.
EVERYTHING = ("--no-dedup", "--no-ignore")
SECONDS = 300
LARGEST = 10 * 1000**2
"""Bytes: larger files are data."""


def program() -> str | None:
    """The detector, beside this Python or on the PATH."""
    return own_program("kingfisher")


def scan(folder: Path, names: Sequence[str]) -> Iterator[Finding]:
    """Likely secrets in files, whose names are relative to the folder.

    Raises `UsageError` where the detector is not installed.
    """
    detector = program()
    if detector is None:
        raise UsageError('Looking for secrets needs: pip install "de-tasks[secrets]"')
    with temporary_folder("de-secrets-") as place:
        for number, name in enumerate(names):
            _gather(folder / name, place / str(number))
        found = _scan(detector, place)
    for path, line, rule in sorted(found):
        name = names[int(path.replace("\\", "/").removeprefix("./").partition("/")[0])]
        if not _allowed(folder / name, line):
            yield Finding(
                "secret",
                name,
                line,
                f"This looks like a secret ({rule}).",
                "Move it to a variable of the app (inv update), and change it: it was seen; "
                f"if it is none, write '{ALLOW}' in a comment of the line",
            )


def _gather(file: Path, place: Path) -> None:
    """Link a file into a folder of its own, or copy it where it cannot be linked.

    The detector takes its time over each path that it is given, and no list of files: a folder
    of 1,000 takes a twentieth of 1,000 paths. By its number a file is found again.
    """
    if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
        return
    place.mkdir()
    try:
        os.link(file, place / file.name)
    except OSError:  # Another file system, or another's file.
        shutil.copyfile(file, place / file.name)


def _scan(detector: str, place: Path) -> set[tuple[str, int, str]]:
    """Path, line and rule of each likely secret in a folder."""
    try:
        done = subprocess.run(
            [detector, "scan", *OFFLINE, *QUIET, *EVERYTHING, "."],
            cwd=place,
            env=without_secrets(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Temporary(f"kingfisher did not finish in {SECONDS} s.") from None
    try:
        report: dict[str, Any] = json.loads(done.stdout.partition(b"\n")[0])
        return {
            (str(item["finding"]["path"]), int(item["finding"]["line"]), str(item["rule"]["name"]))
            for item in report["findings"]
        }
    except (ValueError, KeyError, TypeError):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DeTasksError(
            f"kingfisher {done.returncode}: {words[-1] if words else 'printed no report'}"
        ) from None


def _allowed(path: Path, line: int) -> bool:
    """Whether the line, or a comment above it, is marked as harmless."""
    lines = path.read_text("utf-8", "replace").split("\n")[max(0, line - 2) : line]
    if not lines:
        return False
    above = lines[0].strip() if len(lines) == 2 else ""
    return ALLOW in lines[-1] or (above.startswith(COMMENTS) and ALLOW in above)
