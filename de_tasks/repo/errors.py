"""What git's words stand for: the errors of the deploy repository and of its server."""

from __future__ import annotations

import re

from de_tasks.errors import DeTasksError, NotLoggedIn, NotPermitted, UsageError
from de_tasks.net import certificates
from de_tasks.net.http import NotThePlatform, RateLimited, Unavailable


class Moved(DeTasksError):
    """The remote branch is not where it was expected: somebody else deployed."""


class Damaged(DeTasksError):
    """The repository is not in order."""


class Distrusted(UsageError):
    """Git does not look at a repository, since whoever owns it could have it run commands."""


class Vanished(DeTasksError):
    """A file went away while it was read."""


class Nested(DeTasksError):
    """A repository without a commit lies in the folder; `path` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a git repository without a commit.")
        self.path = path


class Failed(DeTasksError):
    """Git ended with words that nothing here knows."""


class LengthRequired(DeTasksError):
    """The server takes no upload whose length it is not told (HTTP 411)."""


DISK_FULL = (
    "The disk is full: the deploy repository in your cache directory cannot grow. "
    "Make room, or set de.cache to another directory"
)
VANISHED = re.compile(
    r"unable to (stat|index file)|open\(\".*\"\): No such file|short read|read error while"
    r"|failed to read \d+ bytes"
)
UNREADABLE = re.compile(r"open\(\"(.*)\"\): Permission denied|'(.*?)/?': Permission denied")
NESTED = re.compile(r"'(.+?)/?' does not have a commit checked out")
DAMAGED = re.compile(
    r"bad object|missing|corrupt|index file|(unable to|could not) (read|parse) [0-9a-f]{40}"
    r"|bad tree object|is empty|invalid object|not a valid object|unknown repository format"
    r"|not a git repository|unable to parse config",
    re.I,
)
STATUS = re.compile(r"(?:returned error: |HTTP )(\d{3})\b")
LIMIT = re.compile(r"rate limit|too many requests|TOO_MANY_REQUESTS", re.I)
LIMIT_ENDS = re.compile(r"msBeforeNext\W+(\d+)|\b(?:in|after|wait) (\d+(?:\.\d+)?) ?s", re.I)
LOGIN = re.compile(r"Authentication failed|could not read (Username|Password)")
CERTIFICATE = re.compile(
    r"unable to access 'https://([^/']+).*?': (?:SSL certificate problem: |SSL: )?"
    r"(.*certificate.*)"
)
UNREACHED = re.compile(r"Failed to connect|Couldn't connect|Connection refused")
NO_HOST = re.compile(r"Could not resolve (?:host|proxy)")
CUT = re.compile(
    r"timed out|Operation too slow|early EOF|hung up unexpectedly|unexpected disconnect"
    r"|RPC failed|Recv failure|Send failure|Empty reply|reset by peer|transfer closed|recv error"
    r"|SSL_ERROR_SYSCALL|unexpected eof|handshake|bad line length|protocol error|unexpected flush",
    re.I,
)
OTHER = re.compile(
    r"not valid: is this a git repository|invalid server response|redirect|returned error: 3\d\d"
    # What is no git server is taken for a folder of files.
    r"|git-http-push failed"
)


def check_trust(stderr: str) -> None:
    """Raise `Distrusted`, with git's own words and remedy, if that is why a command failed."""
    words = re.search(r"^fatal: (.*(?:ownership|safe\.bareRepository).*)$", stderr, re.MULTILINE)
    remedy = re.search(r"^\s*(git config --global --add safe\.directory .*)$", stderr, re.MULTILINE)
    if words or remedy:
        said = words[1] if words else "the repository belongs to another user"
        what = f". If you trust whoever owns it, type: {remedy[1]}" if remedy else "."
        raise Distrusted(f"git refuses to read it: {said}{what}")


def not_git() -> NotThePlatform:
    """The error for a server that is none of git's."""
    return NotThePlatform(
        "Something else than a git server answers at the app's git address: a sign-in page "
        "or gateway? Is it the right host?"
    )


def error_of(command: str, stderr: str) -> DeTasksError:
    """The error that git's words stand for."""
    text = stderr.strip()
    remote = [line[8:].strip() for line in text.splitlines() if line.startswith("remote: ")]
    here = "\n".join(line for line in text.splitlines() if not line.startswith("remote:"))
    return (
        _of_files(command, here)
        or _of_status(text, remote)
        or _of_repository(here)
        or _of_connection(text, remote)
        or Failed(f"git {command} failed: {remote[0] if remote else text or 'it says nothing'}")
    )


def _of_files(command: str, text: str) -> DeTasksError | None:
    nested = NESTED.search(text)
    if nested:
        return Nested(nested[1])
    if any(sign in text.lower() for sign in ("no space left", "out of diskspace", "disk quota")):
        return DeTasksError(DISK_FULL)
    unreadable = UNREADABLE.search(text)
    if command == "add" and unreadable:
        return UsageError(
            f"{unreadable[1] or unreadable[2]} cannot be read by you. Change its permissions, or "
            "leave it out with a line in .gitignore"
        )
    if command == "add" and VANISHED.search(text):
        return Vanished(f"A file changes while it is read: {text.splitlines()[0]}")
    return None


def _of_status(text: str, remote: list[str]) -> DeTasksError | None:
    status = int(found[1]) if (found := STATUS.search(text)) else 0
    words = remote[0] if remote else ""
    limited = next((line for line in remote if LIMIT.search(line)), "")
    if status == 429 or limited:
        ends = LIMIT_ENDS.search(limited)
        by_ms, by_seconds = ends.groups() if ends else (None, None)
        return RateLimited(
            float(by_ms) / 1000 if by_ms else float(by_seconds) if by_seconds else None
        )
    if status == 411:
        return LengthRequired("The server takes no upload whose length it is not told.")
    if status == 401 or LOGIN.search(text):
        return NotLoggedIn("The login has expired or was revoked. Log in again")
    if status == 403:
        return NotPermitted(words or "The server refuses the push for this user.")
    if status == 413:
        return DeTasksError(
            "The server rejected the push as too large (413); a proxy in front of it may have a "
            "lower limit. "
            "Leave large files out with .gitignore, or ask for a higher limit there"
        )
    if status >= 500 or status == 408:
        return Unavailable(f"The git server answers {status}. Run this again later")
    return None


def _of_repository(text: str) -> DeTasksError | None:
    if DAMAGED.search(text) and not OTHER.search(text):
        return Damaged(f"The deploy repository is damaged: {text}")
    return None


def _of_connection(text: str, remote: list[str]) -> DeTasksError | None:
    certificate = CERTIFICATE.search(text)
    if certificate:
        return certificates.refused(certificate[1], certificate[2].partition(" CAfile")[0])
    if OTHER.search(text):
        return not_git()
    if NO_HOST.search(text):
        return Unavailable("There is no such git server, or the network is down.", False, None, 3)
    if UNREACHED.search(text):
        return Unavailable("The git server does not answer. Is it running?", sent=False)
    if CUT.search(text) and not remote:
        return Unavailable("The connection to the git server was cut. Run this again")
    return None
