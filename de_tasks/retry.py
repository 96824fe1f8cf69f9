"""When to try again, as tenacity policies: transient faults, and the rate limit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from de_tasks.errors import Temporary
from de_tasks.transport import Unavailable

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")
DEADLINE = 180.0
ATTEMPTS = 8


class RateLimited(Temporary):
    """The user's points are used up for `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The rate limit is reached; wait {seconds:.0f} s and run this again.")
        self.seconds = seconds


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited):
        return error.seconds + random.uniform(0.05, 0.5)
    import tenacity

    return tenacity.wait_random_exponential(multiplier=0.2, max=10)(state)


def call(
    function: Callable[[], T],
    tell: Callable[[str], None],
    repeat: bool = True,
    kinds: tuple[type[Exception], ...] = (Unavailable,),
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call until it succeeds, fails for good, or the deadline passes.

    `kinds` are the faults that pass by themselves. With `repeat` False only a rate limit is
    waited out: a request that was refused for it had no effect, one that was lost may have had.
    """
    import tenacity

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited) and state.next_action:
            tell(f"Rate limit reached: going on in {state.next_action.sleep:.1f} s")

    passing = (*kinds, RateLimited) if repeat else (RateLimited,)
    policy = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(passing),
        wait=_wait,
        stop=tenacity.stop_before_delay(DEADLINE) | tenacity.stop_after_attempt(ATTEMPTS),
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    return policy(function)
