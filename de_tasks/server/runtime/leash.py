"""Ends the sandbox's processes when the sandbox itself is gone, however it went.

Run as a process of its own: `python -ISs leash.py`. The sandbox writes `+GROUP` and `-GROUP`
lines to its stdin as process groups come and go. When stdin ends, what is still registered
is terminated: first asked, then killed. After a `kill -9` of the sandbox nothing is left.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE = 5.0


def alive(group: int) -> bool:
    """Whether the process group still has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(groups: set[int], grace: float = GRACE) -> None:
    """Terminate the groups, then kill those that outlive the grace."""
    for group in groups:
        if alive(group):
            os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(map(alive, groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        if alive(group):
            os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Follow stdin to its end, then end what is registered."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        groups.add(group) if line[0] == "+" else groups.discard(group)
    end(groups)


if __name__ == "__main__":
    main()
