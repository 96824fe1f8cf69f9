"""The client's tests of what differs between systems: files, locks, processes, sockets, terminals.

`python -m tests.support.client` runs them where it is typed; `.github/workflows/test.yml` does so
on Windows and macOS.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from tests.support.places import ROOT

TESTS = (
    *("tests/auth/test_store.py", "tests/net/test_budget.py", "tests/terminal"),
    "tests/net/test_http.py::test_a_connection_is_kept_and_watched_again",
    *("tests/repo/test_git.py", "tests/repo/test_worktree.py::test_odd_name"),
    *("tests/config/test_paths.py", "tests/project/checks/test_windows.py"),
)
POSIX = ("SecretService", "real_keyring", "chmod", "others_can_read", "no_command", "named_pipe")
"""Tests of what POSIX alone has: its keyring, modes of files, pipes, scripts that are programs."""


def command(*options: str) -> Sequence[str]:
    """The command that runs them, with more options of pytest's."""
    without = " and ".join(f"not {name}" for name in POSIX)
    return [
        *(sys.executable, "-m", "pytest", *options),
        *("--quick", "-q", "-n", "0", *TESTS, "-k", without),
    ]


if __name__ == "__main__":
    sys.exit(subprocess.run(command(), cwd=ROOT, check=False).returncode)
