"""What `de` is known to print, and nothing else: the one place that reads its output.

Sources: the vendor's documentation of the command line (version 1.9) and its changelog for the
faults of earlier ones, its published deploy action for the answers of `apps exists` and
`services exists`, and published code for `cancelled`. What version 1.10 adds is documented by name
alone: nothing that it prints is read here. Host and names may be any.
"""

from __future__ import annotations

import json
import re
from typing import Any

from de_tasks.platform.models import NEVER_DEPLOYED, User

STATUSES = ("queued", "building", "built", "failed", "cancelled")
LOGGED_IN = re.compile(r"Logged in as \[(?P<user>[^\]]+)\] to \[[^\]]+\][.!]")
MISSING = re.compile(r"App \[(?P<name>[^\]]+)\] does not exist on \[[^\]]+\]\.")
INITIALIZED = re.compile(r"App (?P<name>\S+) was initialized on \[[^\]]+\]\.")
RESTARTING = re.compile(r"Restarting (?P<process>\S+) for app (?P<name>\S+)")
UNTRUSTED = "certificate verify failed"
FAULTS = (
    (
        re.compile(r"'NoneType' object has no attribute 'get'"),
        "This is a fault of old versions of `de`: update it.",
    ),
    (
        re.compile(r"(?ms)^(?=.*\bgql\b).*^(ImportError|ModuleNotFoundError|TypeError)\b"),
        "Old versions of `de` break with a new gql: update `de`, or install gql==3.5.3 beside it.",
    ),
    (
        re.compile(r"\bUnauthorized\b"),
        "`de` is not logged in, its login has expired, or the user lacks a licensed seat: "
        "log in again, or ask an administrator for the role licensed_user.",
    ),
)
"""How `de` is known to fail, and the remedy."""
PROGRESS = (
    "Pushing your app to Dash Enterprise:",
    "Building your app:",
    "Deploying your app:",
)
"""How the lines begin with which `de deploy` announces a step, as one public program has them."""
RATE_LIMIT = "TOO_MANY_REQUESTS"
RATE_LIMIT_SECONDS = 60.0
"""How long to wait where the error does not say it, as its documentation does."""


def lines(output: str) -> list[str]:
    """The lines that say something."""
    return [line.strip() for line in output.splitlines() if line.strip()]


def user(output: str) -> User | None:
    """Who is logged in; what roles the user has is not told."""
    found = next(filter(None, map(LOGGED_IN.fullmatch, lines(output))), None)
    return User(found["user"], is_admin=None) if found else None


def is_missing(output: str, name: str) -> bool:
    """Whether it says that there is no such app."""
    found = filter(None, map(MISSING.fullmatch, lines(output)))
    return any(match["name"] == name for match in found)


def was_initialized(output: str, name: str) -> bool:
    """Whether it says that the app was made."""
    found = filter(None, map(INITIALIZED.fullmatch, lines(output)))
    return any(match["name"] == name for match in found)


def status(output: str) -> str | None:
    """The one word of `apps status`, empty for an app without a build; None for anything else."""
    said = lines(output)
    if NEVER_DEPLOYED in said:
        return ""
    words = [line for line in said if line in STATUSES]
    return words[0] if len(words) == 1 else None


def answer(output: str) -> bool | None:
    """`True` or `False`; None for anything else."""
    words = [line for line in lines(output) if line in ("True", "False")]
    return words[0] == "True" if len(words) == 1 else None


def restarted(output: str) -> tuple[str, ...]:
    """The processes that it says it restarts."""
    found = filter(None, map(RESTARTING.fullmatch, lines(output)))
    return tuple(match["process"] for match in found)


def is_progress(line: str) -> bool:
    """Whether a line of `de deploy` announces a step."""
    return line.strip().startswith(PROGRESS)


def remedy(output: str) -> str:
    """What helps against a failure that is known; empty for any other."""
    return next((words for pattern, words in FAULTS if pattern.search(output)), "")


def rate_limit(output: str) -> float | None:
    """Seconds until the rate limit is over; None when the output is no rate-limit error."""
    if RATE_LIMIT not in output:
        return None
    begin = output.find("{")
    try:
        document, _ = json.JSONDecoder().raw_decode(output[begin:])
        found = _milliseconds(document)
    except ValueError:
        found = None
    return RATE_LIMIT_SECONDS if found is None else found / 1000


def _milliseconds(document: Any) -> float | None:
    """`msBeforeNext` of the first error, with or without the envelope."""
    body = document.get("error", document) if isinstance(document, dict) else {}
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    stack = first.get("stacktrace") if isinstance(first, dict) else None
    value = stack.get("msBeforeNext") if isinstance(stack, dict) else None
    return float(value) if isinstance(value, int | float) else None


def version(text: str) -> tuple[int, ...]:
    """The version that `de --version` tells, empty where there is none in it."""
    found = re.search(r"\bversion (\d+(?:\.\d+)+)", text) or re.search(r"(\d+(?:\.\d+)+)", text)
    return tuple(map(int, found[1].split("."))) if found else ()
