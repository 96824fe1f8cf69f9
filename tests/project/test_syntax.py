"""Syntax trees, while other threads make some, too."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from de_tasks.project.syntax import expression, tree_of

SOURCE = Path(__file__).read_bytes() * 2


class Ring:
    """What the collector of garbage has to end, which lets another thread go on."""

    def __init__(self) -> None:
        self.own = self
        weakref.finalize(self, lambda: sum(range(2000)))


@pytest.fixture
def busy() -> Iterator[None]:
    """Threads take turns, and garbage is collected, as often as can be."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*threshold)


def leave_garbage_and_parse(_: int) -> bool:
    Ring()
    return tree_of(SOURCE) is not None


@pytest.mark.usefixtures("busy")
def test_trees_are_made_by_many_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(leave_garbage_and_parse, range(240)))


@pytest.mark.parametrize("source", ["x = (", "\0", "(" * 1000])
def test_what_is_no_python_has_no_tree(source: str) -> None:
    assert tree_of(source) is None and expression(source) is None
