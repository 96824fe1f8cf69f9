"""Which of several machines that work at once for one account this is: `3/10` is the third of ten.

They share no file, so each keeps to rules that all follow. In the first third of a window of the
rate limit each may spend its part of the points. What is left then is taken in turns: whose turn
it is asks the server how much that is, and takes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from de_tasks.errors import UsageError

T = TypeVar("T")
FORM = re.compile(r"([0-9]{1,4})/([0-9]{1,4})", re.ASCII)
TURNS = 2 / 3
"""Part of a window, its end, in which there are turns."""
ROUNDS = 3
"""How many turns each machine has in a window: who was busy in the first has another."""
SPREAD = 1 / 20
"""Part of a window over which the machines begin to use a new one."""


@dataclass(frozen=True)
class Shard:
    """Machine `index`, counted from 1, of `count`."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From `3/10`. Raises `UsageError` for anything else, such as `0/10` and `11/10`."""
        match = FORM.fullmatch(text.strip())
        index, count = map(int, match.groups()) if match else (0, 0)
        if not 1 <= index <= count:
            raise UsageError(
                "--shard should be the number of this job, from 1, and how many there are, "
                f"such as 3/10, not {text!r}."
            )
        return cls(index, count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def alone(self) -> bool:
        """Whether there is no other machine."""
        return self.count == 1

    def part(self, things: Sequence[T]) -> Sequence[T]:
        """Those of the things that are this machine's."""
        return things[self.index - 1 :: self.count]

    def share(self, points: int) -> int:
        """How many of a window's points are this machine's, whatever the others do."""
        return points // self.count

    def delay(self, window: float) -> float:
        """Seconds after its beginning at which this machine begins to use a window."""
        return window * SPREAD * (self.index - 1) / self.count

    def may_take_its_share(self, left: float, window: float) -> bool:
        """Whether it need not ask yet, in a window that ends in `left` seconds."""
        return left > window * TURNS

    def until_turn(self, left: float, window: float) -> float:
        """Seconds until this machine's turn, 0 in it, where the window ends in `left` seconds.

        After the last turn it is the end of the window that is waited for.
        """
        turn = window * TURNS / (self.count * ROUNDS)
        passed, begin = window * TURNS - left, turn * (self.index - 1)
        if passed < 0:
            return begin - passed
        since = (passed - begin) % (turn * self.count)
        if since < turn:
            return 0.0
        wait = turn * self.count - since
        return wait if wait < left else left + self.delay(window)
