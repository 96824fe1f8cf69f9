"""An interrupt is heard, whatever a program is doing at that moment."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from de_tasks.tasks.interrupts import interruptible
from tests.support.waiting import BOUND


class Destroyed:
    """Is interrupted while it is being destroyed, where nothing that is raised comes through."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_that_a_destructor_swallows_comes_again(number: int) -> None:
    before = sys.unraisablehook, signal.getsignal(signal.SIGTERM)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), interruptible():
        destroyed = Destroyed(number)
        del destroyed
        time.sleep(BOUND)
    assert time.monotonic() - begun < BOUND
    assert (sys.unraisablehook, signal.getsignal(signal.SIGTERM)) == before


def test_other_faults_of_destructors_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        def __del__(self) -> None:
            raise ValueError("a fault")

    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: seen.append(told.exc_value))
    with interruptible():
        faulty = Faulty()
        del faulty
    assert [str(fault) for fault in seen] == ["a fault"]


def test_another_thread_hears_no_interrupt() -> None:
    before, found = signal.getsignal(signal.SIGTERM), []

    def look() -> None:
        with interruptible():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(BOUND)
    assert found == [before]
