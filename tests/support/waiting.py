"""Waiting for what must come, with one bound for all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

BOUND = 30.0
"""Seconds, far above what anything that is waited for takes."""
T = TypeVar("T")


def until(condition: Callable[[], T], what: str) -> T:
    """What the condition returns once it is true; raises `AssertionError` after the bound."""
    deadline = time.monotonic() + BOUND
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {BOUND:.0f} s"
        time.sleep(0.02)
    return found
