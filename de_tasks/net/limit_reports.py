"""What a server says of the rate limit, in each of the forms that it may take.

`retry` waits for it, and `budget` shares what is left among the processes of a user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

READ, WRITE = 1, 5
"""Points of an action as far as is known: creating, changing and deleting cost more."""
UNKNOWN_WAIT = 60.0
"""Seconds to wait where the server does not say how long; the reference tells people so."""
WINDOW = re.compile(r"\bw=(\d+)")


@dataclass(frozen=True)
class ReportedWindow:
    """A user's budget as the server told it: points, and seconds until the window ends."""

    limit: int
    left: int
    seconds: float
    window: float | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> ReportedWindow | None:
        """From `RateLimit-*` headers (draft-ietf-httpapi-ratelimit-headers-07)."""
        names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
        limit, left, seconds = (headers.get(name, "") for name in names)
        if not (limit.isdecimal() and left.isdecimal() and seconds.isdecimal()):
            return None
        window = WINDOW.search(headers.get("RateLimit-Policy", ""))
        return cls(int(limit), int(left), float(seconds), float(window[1]) if window else None)

    @classmethod
    def from_query(cls, answer: Mapping[str, Any]) -> ReportedWindow | None:
        """From the API's `rateLimit`."""
        try:
            numbers = [answer[n] for n in ("limit", "remaining", "msBeforeNext", "windowMs")]
            limit, left, ms, window = (int(number) for number in numbers)
        except (KeyError, TypeError, ValueError):
            return None
        return cls(limit, left, ms / 1000, window / 1000)


@dataclass(frozen=True)
class Refusal:
    """A refusal for the limit, and the seconds until there are points again, if it says so."""

    seconds: float | None


def refusal(body: object) -> Refusal | None:
    """The refusal that `body`, parsed JSON, is; None when it is something else.

    The errors may stand in an outer `{"error": ...}` or not, and `stacktrace` beside
    `extensions` or in it.
    """
    if not isinstance(body, dict):
        return None
    envelope = body.get("error")
    errors = (envelope if isinstance(envelope, dict) else body).get("errors")
    for error in errors if isinstance(errors, list) else ():
        extensions = error.get("extensions") if isinstance(error, dict) else None
        if isinstance(extensions, dict) and extensions.get("code") == "TOO_MANY_REQUESTS":
            details = error.get("stacktrace") or extensions.get("stacktrace")
            ms = details.get("msBeforeNext") if isinstance(details, dict) else None
            return Refusal(max(0.0, ms / 1000) if isinstance(ms, (int, float)) else None)
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, a number or a date (RFC 9110, section 10.2.3)."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
        now = server_time(headers) or datetime.now(then.tzinfo)
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """The server's clock, to the second (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
