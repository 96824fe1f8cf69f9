"""When to try again: the one policy of everything that goes over the network.

What passes by itself is tried again, with growing waits, within one deadline. A refusal for
the rate limit is waited out as long as the server says, and is no failed attempt. What must
not happen twice is asked for after a lost answer, before it is done again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from de_tasks.errors import DeTasksError
from de_tasks.net.http import JITTER, NotThePlatform, RateLimited, Unavailable

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")
Passing = tuple[type[DeTasksError], ...]
PASSING = (Unavailable, NotThePlatform)
"""Faults that may pass by themselves."""
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
"""Seconds: waits are chance, up to a bound that doubles with each failure."""
SHORT_WAIT = 0.5
"""Seconds; a shorter wait is not worth a word."""


@dataclass(frozen=True)
class Wait:
    """A wait that has begun, in words, and its seconds; `for_points` where it is the limit's."""

    text: str
    seconds: float
    for_points: bool = False


@dataclass(frozen=True)
class Attempt:
    """An attempt at something: the first has `number` 1, and each may take `seconds`."""

    number: int
    seconds: float


def _say_nothing(wait: Wait) -> None:
    return


def _nothing() -> None:
    return


@dataclass(frozen=True)
class Policy:
    """How long and how often to try. `deadline` is in seconds by a clock that is never set back,
    `attempts` counts failed ones; `sleep` and `clock` can be replaced."""

    deadline: float = 180.0
    attempts: int = 8
    tell: Callable[[Wait], None] = _say_nothing
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    whose: str = ""
    """Whose rate limit it is that may be reached, such as `jessica on example.plotly.host`."""
    hopeless: Callable[[], DeTasksError | None] = _nothing
    """Asked where a server was not reached: an error ends the attempts at once."""

    def seconds(self, passed: float) -> float:
        """How long an attempt may take that begins after so many seconds.

        One that gets no answer must leave time for another; the last one gets a moment still.
        """
        return max(1.0, (self.deadline - passed) * 2 / 3)

    def call(
        self,
        function: Callable[[Attempt], T],
        repeat: bool = True,
        find: Callable[[], T | None] | None = None,
        kinds: Passing = PASSING,
    ) -> T:
        """Call until it succeeds, fails for good, or the deadline passes.

        `kinds` are the faults that pass by themselves. With `repeat` False only what certainly
        had no effect is repeated: what was refused for the limit, and what was never sent.
        What must not happen twice comes with `find`: after a lost answer it tells whether it
        has happened, and only when it returns None the function is called again.
        """
        run = _Run(self, repeat or find is not None, kinds)
        function = self._explained(function)
        if find is not None:
            function = _asking(function, find)
        passing: Passing = (*kinds, RateLimited)
        try:
            return function(run.attempt())
        except passing as error:
            first = error
        # Importing tenacity takes 20 ms of a command's start (12 where requests is there already),
        # and most calls do not fail: so the first failure does it, and is handed over.
        return run.go_on(function, first)

    def _explained(self, function: Callable[[Attempt], T]) -> Callable[[Attempt], T]:
        """The same, whose errors say what is known of them here."""

        def attempt(this: Attempt) -> T:
            try:
                return function(this)
            except RateLimited as error:
                error.belongs_to(self.whose)
                raise
            except Unavailable as error:
                found = None if error.sent else self.hopeless()
                raise (found or error) from None

        return attempt


def _asking(
    function: Callable[[Attempt], T], find: Callable[[], T | None]
) -> Callable[[Attempt], T]:
    lost = False

    def attempt(this: Attempt) -> T:
        nonlocal lost
        try:
            return function(this)
        except DeTasksError as error:
            # A request may arrive after its answer was given up: then the next one is refused,
            # and yet what it was to make is there.
            lost = lost or (isinstance(error, PASSING) and error.sent)
            found = find() if lost else None
            if found is None:
                raise
            return found

    return attempt


class _Run:
    """One call under a policy."""

    def __init__(self, policy: Policy, repeat: bool, kinds: Passing) -> None:
        self._policy = policy
        self._repeat = repeat
        self._kinds = kinds
        self._begin = policy.clock()
        self._number = self._failures = 0

    def attempt(self) -> Attempt:
        """The next attempt."""
        self._number += 1
        return Attempt(self._number, self._policy.seconds(self._passed()))

    def go_on(self, function: Callable[[Attempt], T], first: DeTasksError) -> T:
        """Go on by tenacity after a first attempt that failed, which counts as its first."""
        import tenacity

        handed_over = [first]

        def again() -> T:
            if handed_over:
                raise handed_over.pop()
            return function(self.attempt())

        policy = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._passes),
            wait=self._wait,
            stop=self._stop,
            before_sleep=self._tell,
            sleep=self._policy.sleep,
            reraise=True,
        )
        return policy(again)

    def _passed(self) -> float:
        return self._policy.clock() - self._begin

    def _passes(self, error: BaseException) -> bool:
        if isinstance(error, RateLimited):
            return True
        self._failures += 1
        return isinstance(error, self._kinds) and (self._repeat or not getattr(error, "sent", True))

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = _error(state)
        if isinstance(error, RateLimited):
            return error.seconds + random.uniform(*error.jitter)
        if (asked := getattr(error, "after", None)) is not None:
            return float(asked) + random.uniform(*JITTER)
        return random.uniform(0.0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self._failures - 1)))

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        if self._passed() + state.upcoming_sleep > self._policy.deadline:
            return True
        patience = getattr(_error(state), "patience", None) or self._policy.attempts
        return not isinstance(_error(state), RateLimited) and self._failures >= min(
            patience, self._policy.attempts
        )

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error, seconds = _error(state), state.upcoming_sleep
        if isinstance(error, RateLimited):
            if error.seconds < SHORT_WAIT:
                return
            of = f" of {self._policy.whose}" if self._policy.whose else ""
            words = f"Rate limit{of} reached: going on in {seconds:.1f} s"
            self._policy.tell(Wait(words, seconds, for_points=True))
        elif seconds >= SHORT_WAIT:
            cause = str(error).partition(". ")[0].rstrip(".")
            self._policy.tell(Wait(f"{cause}: trying again in {seconds:.1f} s", seconds))


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
