"""Whether a process still does anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENDED = ("Z", "X")
"""States of a process that has ended (ps(1)); the first stays until its parent asks for it, which
the first process of a container may never do."""


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _state(pid).startswith(ENDED)


def _state(pid: int) -> str:
    try:
        # proc(5): the name before it may have any character, and ends with the last bracket.
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(") ")[2]
    except OSError:
        line = ["ps", "-o", "stat=", "-p", str(pid)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # It has gone while we asked.
    return done.stdout.strip() or ENDED[0]
