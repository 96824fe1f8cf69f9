"""A plugin of pytest: what POSIX systems have and Windows has not, taken away.

`os.name` and `sys.platform` stay as they are: the libraries go by them, and find what they need.
"""

from __future__ import annotations

import importlib
import os
import signal
import stat
import sys
from collections.abc import Callable
from typing import Any

NEEDED_BY_LIBRARIES = ("invoke.terminals", "pty", "rich.console", "getpass", "subprocess")
"""What is imported before, since it goes by the system's name, not by what is there."""
FUNCTIONS = {
    os: (
        *("chown", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid"),
        *("getgroups", "getpgid", "getpgrp", "getppid", "getpriority", "getsid", "killpg"),
        *("lchown", "mkfifo", "openpty", "pread", "pwrite", "setpgid", "setsid", "statvfs"),
        *("sysconf", "umask", "wait3", "wait4", "waitid"),
    ),
    signal: ("SIGALRM", "SIGHUP", "SIGUSR1", "pthread_kill", "setitimer"),
}
OF_DESCRIPTORS = ("close", "dup", "read", "write")
"""Of `os`, what takes the descriptors of files, and on Windows no socket."""
MODULES = ("fcntl", "grp", "posix", "pwd", "resource", "syslog", "termios", "tty")


def pytest_configure() -> None:
    """Take it away, before a test or a module of ours is imported."""
    for name in NEEDED_BY_LIBRARIES:
        importlib.import_module(name)
    for module, names in FUNCTIONS.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in OF_DESCRIPTORS:
        setattr(os, name, _refusing_sockets(getattr(os, name)))
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]


def _refusing_sockets(act: Callable[..., Any]) -> Callable[..., Any]:
    fstat = os.fstat

    def refusing(descriptor: int, *rest: Any) -> Any:
        if stat.S_ISSOCK(fstat(descriptor).st_mode):
            raise OSError(9, "Bad file descriptor")
        return act(descriptor, *rest)

    return refusing
