"""What differs between POSIX systems and Windows, the two sides next to each other.

Nothing here asks which system it is: a function that is there is used. Imports next to nothing:
git hooks begin here.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from contextlib import contextmanager

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any, TextIO

TREE: dict[str, Any] = {"start_new_session": hasattr(os, "setsid")}
"""Options of `Popen` with which a program and all that it starts can be ended together."""
KILL = 9
"""POSIX's SIGKILL; Windows has no such signal, nor its name."""
TASKKILL_SECONDS = 10
PATIENCE = 2.0
"""Seconds for which a file that is removed or replaced may still be open in another program."""
COLOURS = 0x0004
"""ENABLE_VIRTUAL_TERMINAL_PROCESSING of a console's mode (learn.microsoft.com, SetConsoleMode)."""
OUTPUT, ERROR = -11, -12
"""STD_OUTPUT_HANDLE and STD_ERROR_HANDLE."""


def end_tree(child: subprocess.Popen[Any], at_once: bool = True) -> None:
    """End a program that was started with `TREE`, and all that it started; `at_once`, or asking.

    It may have ended before: what it left behind ends all the same, where the system can find it.
    """
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, KILL if at_once else signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            # macOS says the second of a group in which all have ended.
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
    except (ProcessLookupError, PermissionError):
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


def read_link(path: str | Path) -> bytes:
    """What a link says, with `/` as git and every server have it."""
    return os.fsencode(os.readlink(path)).replace(os.sep.encode(), b"/")


def program(name: str, folder: str | Path) -> str | None:
    """The path of a program of a folder, with the ending that the system gives to programs."""
    import shutil

    return next(
        filter(None, (shutil.which(n, path=str(folder)) for n in (name, f"{name}.exe"))), None
    )


def own_program(name: str) -> str | None:
    """The path of a program that was installed with us, None where there is none.

    Beside this Python, as in every environment; where Windows and `pip install --user` put
    programs, on no PATH; else on the PATH.
    """
    import shutil
    import sys
    import sysconfig

    folders = [os.path.dirname(sys.executable), sysconfig.get_path("scripts")]
    folders.append(sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")))
    found = (program(name, folder) for folder in folders)
    return next(filter(None, found), None) or shutil.which(name)


def with_variable(name: str, value: str, command: str) -> str:
    """How a command is typed so that a variable is set for it alone: for sh, or PowerShell."""
    if _has_modes():
        return f"{name}={value} {command}"
    return f"$env:{name}='{value}'; {command}; $env:{name}=''"


def quoted(word: str) -> str:
    """A word as it is typed into the system's shell, where blanks end one."""
    import shlex

    plain = shlex.quote(word)
    return plain if _has_modes() or plain == word else f'"{word}"'


def has_processes() -> bool:
    """Whether the system has what the sandbox and an app's Procfile need: POSIX's processes."""
    return hasattr(os, "fork")


def takes_colours(stream: TextIO) -> bool:
    """Whether a terminal obeys ANSI's codes; a console of Windows does so once it is asked to."""
    if _has_modes():
        return True
    import ctypes
    import sys

    windll = getattr(ctypes, "windll", None)
    if windll is None:
        return True
    kernel = windll.kernel32
    handle = kernel.GetStdHandle(ERROR if stream is sys.stderr else OUTPUT)
    mode = ctypes.c_ulong()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return True  # Another terminal's.
    return bool(mode.value & COLOURS or kernel.SetConsoleMode(handle, mode.value | COLOURS))


def replace(source: str | Path, target: str | Path) -> None:
    """Let a file take the place of another. Windows refuses that while a program reads it."""
    _patiently(lambda: os.replace(source, target), PermissionError)


def remove_tree(folder: str | Path) -> None:
    """Remove a folder with all that is in it, as far as that is possible.

    Windows removes no file that is read-only, as git's objects are, nor one that a program which
    is about to end still has open.
    """
    import shutil

    def again(remove: Callable[[str], object], path: str, error: object) -> None:
        def once() -> None:
            os.chmod(path, stat.S_IRWXU)
            remove(path)

        try:
            _patiently(once, OSError)
        except OSError:
            pass

    if _has_modes():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        shutil.rmtree(folder, onerror=again)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    import tempfile
    from pathlib import Path

    folder = tempfile.mkdtemp(prefix=prefix)
    try:
        yield Path(folder)
    finally:
        remove_tree(folder)


def _patiently(act: Callable[[], None], refusal: type[OSError]) -> None:
    """Do it, and again for a while where Windows refuses it; what is gone need not be removed."""
    import time

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except FileNotFoundError:
            raise
        except refusal:
            if _has_modes() or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
