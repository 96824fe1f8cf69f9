"""How long an app that answers with server errors is waited for, by sandbox and client alike."""

from __future__ import annotations

import time
from collections.abc import Callable

SAID_AFTER = 3.0
"""Seconds of the same error until whoever waits is told of it."""
GIVEN_UP_AFTER = 20.0
"""Seconds of the same error until it is what the app has to say."""
NOT_YET = (502, 503, 504)
"""By these a gateway, or a server that still loads, says that it is too early
(RFC 9110, section 15.6.3 to 15.6.5): they are waited out."""


class Errors:
    """The server errors that an app has answered with, one after the other.

    An app whose process runs, and which answers the same error of its own for `GIVEN_UP_AFTER`
    seconds, will not recover by waiting: no look in between has seen it gone, or answering
    otherwise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._status = 0
        self._since = 0.0

    def saw(self, status: int) -> None:
        """Take the status of an answer; 0 for none."""
        if status != self._status:
            self._status, self._since = status, self._clock()

    @property
    def status(self) -> int:
        """The error, when it is time to tell of it; else 0."""
        return self._status if self._status and self._lasted >= SAID_AFTER else 0

    @property
    def final(self) -> bool:
        """Whether there is nothing more to wait for."""
        own = self._status and self._status not in NOT_YET
        return bool(own) and self._lasted >= GIVEN_UP_AFTER

    @property
    def _lasted(self) -> float:
        return self._clock() - self._since
