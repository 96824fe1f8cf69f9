"""By which login a host's git takes pushes, found by asking as git asks, and remembered.

Of version 5's git the address is known, and Basic with user name and password; whether it takes
tokens is not. Each guess is made once for a host and a user: what was refused is never repeated,
since a server may lock out who tries too often. A login is sent to the host's own address alone,
only after a question without one was answered as a git server answers, and no redirect is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from de_tasks.auth.credentials import Credentials
    from de_tasks.net.http import Transport
    from de_tasks.platform.de.git_memory import GitMemory

PUSH, FETCH = "git-receive-pack", "git-upload-pack"
ADVERTISEMENT = f"application/x-{PUSH}-advertisement"
FIRST_LINE = f"# service={PUSH}".encode()
AS_GIT = {"User-Agent": "git/2.40.0 (de-tasks)", "Accept": "*/*", "Pragma": "no-cache"}
NEWER = {"Git-Protocol": "version=2"}
"""What git says when it fetches; its pushes know the older protocol alone."""
CLOSED = (401, 403, 404)
"""Answers of git servers to who may not look, or to nobody."""
NOT_SPOKEN = (400, 406, 500, 501, 505)
"""Answers of a server that does not know the newer protocol."""
SECONDS = 15.0


@dataclass(frozen=True)
class Guess:
    """A login that may be the right one; `kind` is its name in words."""

    kind: str
    credentials: Credentials


@dataclass(frozen=True)
class GitLogin:
    """A login that the host's git takes, and the newest protocol that it speaks."""

    guess: Guess
    protocol: int = 2


@dataclass(frozen=True)
class Finding:
    """What was found: a login, or none; `why` is a sentence without its end."""

    login: GitLogin | None
    why: str


def find(
    url: str,
    guesses: Sequence[Callable[[], Guess | None]],
    transport: Transport,
    memory: GitMemory,
) -> Finding:
    """The first login that a repository's server takes. Raises `DeTasksError` for a server that
    does not answer."""
    there = list(filter(None, (make() for make in guesses)))
    if not there:
        return Finding(None, "there is no login for it: neither user name and password nor tokens")
    for guess in there:
        known = memory.known(guess.kind, guess.credentials.username)
        if known and known.accepted:
            return Finding(GitLogin(guess, known.protocol), f"it takes {guess.kind}")
    new = [g for g in there if not memory.known(g.kind, g.credentials.username)]
    if not new:
        kinds = " and ".join(g.kind for g in there)
        return Finding(None, f"it has refused {kinds} before, which is not repeated")
    seen = _ask(url, None, transport)
    if not seen.git and seen.status not in CLOSED:
        return Finding(None, f"{seen.words} where a git server was expected")
    for guess in new:
        seen = _ask(url, guess.credentials.header(), transport)
        who = guess.credentials.username
        if seen.git:
            protocol = _protocol(url, guess.credentials.header(), transport)
            memory.accept(guess.kind, who, protocol)
            return Finding(GitLogin(guess, protocol), f"it takes {guess.kind}")
        if seen.status == 401:
            memory.refuse(guess.kind, who)
        elif seen.status not in (403, 404):
            return Finding(None, f"{seen.words} to {guess.kind}")
    return Finding(None, f"{seen.words} to {' and '.join(g.kind for g in new)}")


@dataclass(frozen=True)
class _Seen:
    status: int
    git: bool
    words: str


def _ask(url: str, header: str | None, transport: Transport) -> _Seen:
    """Ask as git does before a push."""
    headers = {**AS_GIT, **({"Authorization": header} if header else {})}
    answer = transport.request("GET", _refs(url, PUSH), seconds=SECONDS, headers=headers)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    # gitprotocol-http(5): both are what a client must check.
    git = answer.status_code == 200 and kind == ADVERTISEMENT
    git = git and answer.content[4:].startswith(FIRST_LINE)
    words = f"it answers {answer.status_code}"
    if 300 <= answer.status_code < 400:
        words = f"it redirects ({answer.status_code})"
    elif answer.status_code == 200 and not git:
        words = "it answers with a page"
    return _Seen(answer.status_code, git, words)


def _protocol(url: str, header: str, transport: Transport) -> int:
    """The newest protocol in which the server lets fetch."""
    headers = {**AS_GIT, **NEWER, "Authorization": header}
    answer = transport.request("GET", _refs(url, FETCH), seconds=SECONDS, headers=headers)
    return 0 if answer.status_code in NOT_SPOKEN else 2


def _refs(url: str, service: str) -> str:
    return f"{url}/info/refs?service={service}"
