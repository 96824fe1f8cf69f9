"""Ctrl-C, and what a CI system sends that cancels a job: heard once, whatever was going on."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

SOON = 0.05
"""Seconds in which whatever swallowed an interrupt has ended."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: what was begun is cleared away. Another thread hears neither.

    Python passes over what is raised while an object is being destroyed, an interrupt too: then it
    comes once more, a moment later.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    report = sys.unraisablehook

    def hear_again(unraisable: UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            again = threading.Timer(SOON, _interrupt_main)
            again.daemon = True
            again.start()
        else:
            report(unraisable)

    before = signal.signal(signal.SIGTERM, _interrupt)
    sys.unraisablehook = hear_again
    try:
        yield
    finally:
        sys.unraisablehook = report
        signal.signal(signal.SIGTERM, before)


def _interrupt_main() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        # Also out of a system call, in which the main thread may wait.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
