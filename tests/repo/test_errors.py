"""What git says of a remote, in sentences."""

from __future__ import annotations

import pytest

from de_tasks.errors import DeTasksError, NotLoggedIn, NotPermitted
from de_tasks.net.http import RateLimited, Unavailable
from de_tasks.repo.errors import Failed, error_of

ACCESS = "fatal: unable to access 'https://de.example/shop/': "


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            f"{ACCESS}Could not resolve host: de.example",
            Unavailable,
            "There is no such git server, or the network is down.",
        ),
        (
            f"{ACCESS}Failed to connect to de.example port 443: Connection timed out",
            Unavailable,
            "The git server does not answer. Is it running?",
        ),
        (
            "error: RPC failed; curl 56 Recv failure: Connection reset by peer",
            Unavailable,
            "The connection to the git server was cut. Run this again",
        ),
        (
            f"{ACCESS}The requested URL returned error: 502",
            Unavailable,
            "The git server answers 502. Run this again later",
        ),
        (
            f"{ACCESS}The requested URL returned error: 403",
            NotPermitted,
            "The server refuses the push for this user.",
        ),
        (
            f"remote: Shop is not yours.\n{ACCESS}The requested URL returned error: 403",
            NotPermitted,
            "Shop is not yours.",
        ),
        (
            f"{ACCESS}The requested URL returned error: 401",
            NotLoggedIn,
            "The login has expired or was revoked. Log in again",
        ),
        ("", Failed, "git push failed: it says nothing"),
        ("fatal: something else\n", Failed, "git push failed: fatal: something else"),
        ("remote: No pushes today.\nfatal: no\n", Failed, "git push failed: No pushes today."),
    ],
)
def test_words_of_git_are_a_sentence(said: str, kind: type[DeTasksError], words: str) -> None:
    error = error_of("push", said)
    assert type(error) is kind and str(error) == words


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Too many requests: try again in 2.5 s", 2.5),
        ('TOO_MANY_REQUESTS {"msBeforeNext": 1500}', 1.5),
        ("rate limit exceeded", None),
    ],
)
def test_limit_says_when_it_ends(words: str, seconds: float | None) -> None:
    error = error_of("push", f"remote: {words}\nfatal: no\n")
    assert isinstance(error, RateLimited) and error.guessed == (seconds is None)
    assert seconds is None or error.seconds == seconds
