"""What differs between POSIX systems and Windows, the two sides next to each other.

Nothing here asks which system it is: a function that is there is used. Imports next to nothing:
git hooks begin here.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

TREE: dict[str, Any] = {"start_new_session": hasattr(os, "setsid")}
"""Options of `Popen` with which a program and all that it starts can be ended together."""
KILL = 9
"""POSIX's SIGKILL; Windows has no such signal, nor its name."""
TASKKILL_SECONDS = 10
PATIENCE = 2.0
"""Seconds for which a file that is being removed may still be open in a program that ends."""


def end_tree(child: subprocess.Popen[Any], at_once: bool = True) -> None:
    """End a program that was started with `TREE`, and all that it started; `at_once`, or asking.

    It may have ended before: what it left behind ends all the same, where the system can find it.
    """
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, KILL if at_once else signal.SIGTERM)
        except ProcessLookupError:
            pass
        return
    # Windows has no signal to ask with, and knows what a program started while that runs.
    if child.poll() is None:
        try:
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(child.pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TASKKILL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            pass
        child.kill()


def tree_runs(child: subprocess.Popen[Any]) -> bool:
    """Whether a program that was started with `TREE`, or something that it started, still runs."""
    ended = child.poll() is not None
    if not hasattr(os, "killpg"):
        return not ended
    try:
        os.killpg(child.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _has_modes() -> bool:
    """Whether files have owners and modes, as POSIX has it."""
    return hasattr(os, "geteuid")


def others_may_read(status: os.stat_result) -> bool:
    """Whether the file's mode lets other users read it; on Windows the folder's owner decides."""
    return _has_modes() and bool(status.st_mode & 0o077)


def is_executable(status: os.stat_result, before: bool = False) -> bool:
    """Whether a file may be executed; where the system does not know, as it was `before`."""
    return bool(status.st_mode & stat.S_IXUSR) if _has_modes() else before


def program(name: str, folder: Path) -> str | None:
    """The path of a program of a folder, with the ending that the system gives to programs."""
    import shutil

    return shutil.which(name, path=str(folder))


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that is possible.

    Windows removes no file that is read-only, as git's objects are, nor one that a program which
    is about to end still has open.
    """
    import shutil
    import time

    deadline = time.monotonic() + PATIENCE

    def again(remove: Any, path: str, error: Any) -> None:
        while True:
            try:
                os.chmod(path, stat.S_IRWXU)
                remove(path)
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.05)
            else:
                return

    if _has_modes():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        shutil.rmtree(folder, onerror=again)
