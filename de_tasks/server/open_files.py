"""How many files this process may have open: every connection is one, and one more to the app."""

from __future__ import annotations

import functools
import resource
from dataclasses import dataclass

RESERVED = 256
"""For logs, pipes to processes, git and the database."""
MOST = 65536
"""Enough for anything; what has no limit, as on macOS, cannot be asked for."""


@dataclass(frozen=True)
class OpenFiles:
    """The soft limit that this process was started with, and the one that it has now."""

    before: int
    now: int

    def connections(self, wanted: int) -> int:
        """How many of so many connections there is room for: each may need two files."""
        return max(1, min(wanted, (self.now - RESERVED) // 2))


@functools.cache
def open_files() -> OpenFiles:
    """The limits of this process, the soft one raised as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            # macOS says one limit and keeps to another.
            wanted = soft
    return OpenFiles(soft, max(soft, wanted))
