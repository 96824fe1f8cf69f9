"""Likely secrets, by kingfisher: an extra, since its rules are its own maintainers' work.

It is run offline: no secret is tried out, and none is in what it prints or we keep.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from de_tasks.checks.findings import Finding
from de_tasks.environment import without_secrets
from de_tasks.errors import DeTasksError, Temporary, UsageError

ALLOW = "kingfisher:ignore"
"""In a line, or in a comment above it: what stands there is no secret."""
COMMENTS = ("#", "//", "--", "<!--", "/*", ";")
OFFLINE = ("--no-validate", "--no-update-check")
QUIET = ("--quiet", "--redact", "--format", "json")
# Its own would leave out a secret that stands elsewhere again, and what is near a marked line.
EVERYTHING = ("--no-dedup", "--no-ignore")
SECONDS = 300
ARGUMENTS = 100_000
"""Bytes of names that one command line takes; the least that systems allow is a little more."""


def program() -> str | None:
    """The detector, beside this Python or on the PATH."""
    beside = Path(sys.executable).with_name("kingfisher")
    return str(beside) if beside.is_file() else shutil.which("kingfisher")


def scan(folder: Path, names: Sequence[str]) -> Iterator[Finding]:
    """Likely secrets in files, whose names are relative to the folder.

    Raises `UsageError` where the detector is not installed.
    """
    detector = program()
    if detector is None:
        raise UsageError("Looking for secrets needs: pip install 'de-tasks[secrets]'")
    for some in _portions([name for name in names if (folder / name).is_file()]):
        yield from _scan(detector, folder, some)


def _portions(names: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for name in names:
        if size > ARGUMENTS:
            yield some
            some, size = [], 0
        some.append(name)
        size += len(name.encode("utf-8", "surrogateescape")) + 1
    if some:
        yield some


def _scan(detector: str, folder: Path, names: list[str]) -> Iterator[Finding]:
    # Not to be taken for an option: a name may begin with a dash.
    files = [f"./{name}" for name in names]
    try:
        done = subprocess.run(
            [detector, "scan", *OFFLINE, *QUIET, *EVERYTHING, *files],
            cwd=folder,
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
        found = {
            (str(item["finding"]["path"]), int(item["finding"]["line"]), str(item["rule"]["name"]))
            for item in report["findings"]
        }
    except (ValueError, KeyError, TypeError):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DeTasksError(
            f"kingfisher {done.returncode}: {words[-1] if words else 'printed no report'}"
        ) from None
    for path, line, rule in sorted(found):
        name = path.removeprefix("./")
        if not _allowed(folder / name, line):
            yield Finding(
                "secret",
                name,
                line,
                f"This looks like a secret ({rule}).",
                "Move it to a variable of the app (inv update), and change it: it was seen; "
                f"if it is none, write '{ALLOW}' in a comment of the line",
            )


def _allowed(path: Path, line: int) -> bool:
    """Whether the line, or a comment above it, is marked as harmless."""
    lines = path.read_text("utf-8", "replace").splitlines()[max(0, line - 2) : line]
    if not lines:
        return False
    above = lines[0].strip() if len(lines) == 2 else ""
    return ALLOW in lines[-1] or (above.startswith(COMMENTS) and ALLOW in above)
