"""What a process has only once: a test that changes it changes it for those that follow."""

from __future__ import annotations

import locale
import os
import signal
import sys

from de_tasks.terminal import console

RUNNING = "PYTEST_CURRENT_TEST"
"""A variable that pytest itself sets anew for each phase of a test."""


def state() -> dict[str, object]:
    """The state of this process, by its parts; a variable is one by the name `$NAME`."""
    variables = {f"${name}": value for name, value in os.environ.items() if name != RUNNING}
    return variables | {
        "silence": console.silent(),
        "folder": os.getcwd(),
        "locale": locale.setlocale(locale.LC_ALL),
        "sys.path": list(sys.path),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
    }


def changed(before: dict[str, object]) -> list[str]:
    """The parts that are not as they were; by name alone, for a value may be a secret."""
    now = state()
    return sorted(part for part in before | now if before.get(part) != now.get(part))
