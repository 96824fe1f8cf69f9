"""The faults, one row each: what happens, and how the client must end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.faultproxy import Exchange, Strike

LIMIT_MS = 150
LIMITED = {
    "message": "Rate limit exceeded",
    "stacktrace": {
        "remainingPoints": 0,
        "msBeforeNext": LIMIT_MS,
        "consumedPoints": 59,
        "isFirstInDuration": False,
    },
    "extensions": {"code": "TOO_MANY_REQUESTS"},
}
ENVELOPE = {"error": {"errors": [LIMITED]}}
BARE = {"errors": [LIMITED]}
INNER = {
    "errors": [
        {
            "message": LIMITED["message"],
            "extensions": {"code": "TOO_MANY_REQUESTS", "stacktrace": LIMITED["stacktrace"]},
        }
    ]
}
HTML = "<!doctype html><title>Welcome</title><p>Please sign in to the network."
JSON_TYPE = {"Content_Type": "application/json"}
HTML_TYPE = {"Content_Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Fault:
    """A fault, by name. Exit codes: of a command that meets it once, and of one that meets it
    again and again, which says `words` (a pattern); `places` are operations that end otherwise.

    `done` says that the server did what was asked, `connect` that it strikes a connection and
    not a request.
    """

    name: str
    strike: Strike
    once: int = 0
    lasting: int = 75
    words: str = ""
    done: bool = False
    connect: bool = False
    places: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)

    @property
    def stalls(self) -> bool:
        """Whether nobody says anything any more."""
        return self.name.startswith("stalled")

    def ending(self, operation: str) -> tuple[int, int, str]:
        """Exit code when it strikes once, exit code and words when it lasts."""
        return self.places.get(operation, (self.once, self.lasting, self.words))


def _half(exchange: Exchange) -> bytes:
    answer = exchange.forward()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[: len(body) // 2]


def refused(exchange: Exchange) -> None:
    """Stands for a listener that is closed; see `Refusing`."""


def reset_before(exchange: Exchange) -> None:
    """The connection is reset when it is made."""
    exchange.reset()


def reset_during_request(exchange: Exchange) -> None:
    """The server got half of the request."""
    exchange.begin()
    exchange.reset()


def reset_after_request(exchange: Exchange) -> None:
    """The server did it, and no byte of the answer came."""
    exchange.forward()
    exchange.reset()


def reset_during_answer(exchange: Exchange) -> None:
    """Half of the answer came, then a reset."""
    exchange.send(_half(exchange))
    exchange.reset()


def truncated(exchange: Exchange) -> None:
    """Half of the answer came, and the connection was closed as if that was all."""
    exchange.send(_half(exchange))


def stalled(exchange: Exchange) -> None:
    """The request went nowhere, and nothing comes."""
    exchange.stall()


def stalled_after(exchange: Exchange) -> None:
    """The server did it, and nothing comes."""
    exchange.forward()
    exchange.stall()


def stalled_during_answer(exchange: Exchange) -> None:
    """Half of the answer came, then nothing."""
    exchange.send(_half(exchange))
    exchange.stall()


def status(line: str, **headers: str) -> Strike:
    """A gateway answers with a status and a page of its own."""
    return lambda exchange: exchange.answer(line, HTML, **HTML_TYPE, **headers)


def limited(line: str, body: object, **headers: str) -> Strike:
    """The rate limit, in one of its forms."""
    return lambda exchange: exchange.answer(line, json.dumps(body), **JSON_TYPE, **headers)


def garbled(exchange: Exchange) -> None:
    """JSON that is none."""
    exchange.answer("200 OK", '{"data": {"app": ', **JSON_TYPE)


timed = status("429 Limit", Retry_After="1")
redirect = status("302 Found", Location="https://sso.example.com/login")
LIMIT_WORDS = "Rate limit"
# Git shows neither headers nor JSON of a refusal: the minute that is waited then is longer than
# the deadline of these tests. At a login a 429 is protection against guessing.
UNSEEN = (75, 75, LIMIT_WORDS)
GUESSED = (75, 75, "accepts no more logins")
AT_429 = {"push": UNSEEN, "upload": UNSEEN, "log in": GUESSED}
AT_PAGE = {"push": (0, 2, "Is it the right host"), "upload": (0, 75, "was cut")}
AT_503 = {"push": (0, 75, "answers 503"), "upload": (0, 75, "answers 503")}
GIT_CUT = (0, 75, "was cut")
AT_GIT = {"push": GIT_CUT, "upload": GIT_CUT}
FAULTS = (
    Fault("refused connection", refused, words="not answer"),
    Fault("reset before the request", reset_before, words="was cut|not answer", connect=True),
    Fault("reset during the request", reset_during_request, words="was cut"),
    Fault("reset after the request", reset_after_request, words="was cut", done=True),
    Fault("reset during the answer", reset_during_answer, words="cut", done=True),
    Fault("truncated answer", truncated, words="cut", done=True),
    Fault("stalled request", stalled, words="in time", places=AT_GIT),
    Fault("stalled after the request", stalled_after, words="in time", done=True, places=AT_GIT),
    Fault("stalled answer", stalled_during_answer, words="in time", done=True, places=AT_GIT),
    Fault("500", status("500 Internal Server Error"), words="answers 500"),
    Fault("502", status("502 Bad Gateway"), words="answers 502"),
    Fault("503", status("503 Service Unavailable"), words="answers 503"),
    Fault("503, Retry-After", status("503 Unavailable", Retry_After="1"), words="answers 503"),
    Fault("504", status("504 Gateway Timeout"), words="answers 504"),
    Fault("429, as documented", limited("429 Limit", ENVELOPE), words=LIMIT_WORDS, places=AT_429),
    Fault("429, no envelope", limited("429 Limit", BARE), words=LIMIT_WORDS, places=AT_429),
    Fault("429, in extensions", limited("429 Limit", INNER), words=LIMIT_WORDS, places=AT_429),
    Fault("limit at status 200", limited("200 OK", ENVELOPE), words=LIMIT_WORDS, places=AT_PAGE),
    Fault("limit at status 503", limited("503 Limit", BARE), words=LIMIT_WORDS, places=AT_503),
    Fault(
        "429, Retry-After", status("429 Limit", Retry_After="1"), words=LIMIT_WORDS, places=AT_429
    ),
    Fault("429 alone", status("429 Limit"), 75, words=LIMIT_WORDS, places=AT_429),
    Fault("413", status("413 Content Too Large"), 1, 1, r"\(413\)"),
    Fault("HTML page", status("200 OK"), 0, 2, "Is it the right host", places=AT_PAGE),
    Fault("invalid JSON", garbled, words="cut short", places=AT_PAGE),
    Fault("redirect to a login page", redirect, lasting=2, words="Is it the right host"),
)
CERTIFICATES = {
    "expired": ("has expired", "can renew it"),
    "of another name": ("127.0.0.1", "Is the host right"),
    "of an unknown authority": ("local issuer", "--ca-path"),
}
"""Certificates that are not to be believed, and words that say why."""
