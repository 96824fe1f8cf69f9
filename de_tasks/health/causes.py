"""Why an app could not be built or did not start, as found in what it printed.

Server and client read the same words: the sandbox for the reason of a failed build, the client for
that of a platform which gives none, or of an app that was built and does not answer.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from de_tasks.appspec import URL_VARIABLE

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
HEADER = re.compile(r"Traceback \(most recent call last\):")
FRAME = re.compile(r'^(\s*)File "([^"]+)", line (\d+)')
EXCEPTION = re.compile(r"^(\s*)([A-Za-z_][\w.]*)(:( .*)?)?$")
LIBRARY = re.compile(r"^<|[/\\](site|dist)-packages[/\\]|[/\\]lib[/\\]python\d")
LONGEST = 300
"""Characters of an app's words in a sentence of ours."""
FOLDER = re.compile(r"^.*/releases/\d+/|^/(app|workspace)/")
"""Where a sandbox and the platform keep an app's files."""
CONSEQUENCES = ("gunicorn.errors.HaltServer", "SystemExit", "KeyboardInterrupt")
"""Exceptions by which a server ends after the one that matters."""
GUNICORN = re.compile(r"^\[[^]]+\] \[\d+\] \[(\w+)\] (.*)$")
ROUTINE = re.compile(
    r"|(Worker \(|Shutting down|Reason: |Exception in worker|Worker exiting|App failed to load).*"
    r"|(INFO|DEBUG):.*|ERROR:\s+Application startup failed.*|\[sandbox\] .*"
    r"|hint: .*|Try '.*' for help\.?|For (further|more) information.*|Aborted!|[=~^*\s-]+"
    r"|exec .*|\+ .*|Failed to (boot|load).*worker.*|Worker failed to boot.*|HaltServer.*"
    r"|\S+: (-c: )?line \d+: `.*'"
)
"""Lines that servers, shells and installers write whatever has happened."""
VALIDATION = re.compile(r"\d+ validation errors? for ")
MOST_FIELDS = 6
NOT_FOUND = re.compile(r"(?:^|: )([\w.-]+): (?:command )?not found$")
ELSEWHERE = re.compile(r"https?://(?:127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]):(\d+)")
MARKED = re.compile(r"^\s*!\s+(\S.*)$")
VERDICT = re.compile(
    r"^(Build failed|The app was built(, and| but) did not|Push (failed|rejected))"
)
"""Lines by which a build's log says why it ended, and those that say only that it did."""
UNMET = (
    (
        r"Because \S+ was not found in the [\w ]+ and you require (\S+?),",
        "{0} is not in the index",
    ),
    (
        r"Because there (?:is|are) no versions? of \S+ and you require (\S+?),",
        "{0} is not in the index",
    ),
    (
        r"Because only (\S+) is available and you require (\S+?),",
        "{1} is not in the index, which has {0}",
    ),
    (
        r"Because only the following versions of \S+ are available: (.+?) and you require (\S+?),",
        "{1} is not in the index, which has {0}",
    ),
    (r"Because you require (\S+) and (\S+?),", "{0} and {1} contradict each other"),
    (r"No matching distribution found for (\S+)", "{0} is not in the index"),
    (r"Because (.+?), we can conclude that", "{0}"),
)
"""What uv and pip say of requirements that cannot be met, and what that means."""


LONG = "([A-Z][A-Z0-9]*_[A-Z0-9_]+)"
NAME = "([A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z][A-Z0-9]{3,})"
"""Names of variables. Without an underscore one may be an abbreviation, such as HTTP."""
UNSET = (
    re.compile(rf"KeyError: '{NAME}'"),
    re.compile(
        rf"\b{NAME}['\"`]?:? (?:environment variable |variable )?(?:is |was )?"
        r"(?:not (?:set|found|defined|configured)|missing|required|undefined|unset"
        r"|unbound variable|parameter (?:null or )?not set)"
    ),
    re.compile(
        rf"(?:\b[Nn]o|\b[Mm]issing|\b[Ss]et)(?: the)?(?: environment variable| variable)?:?"
        rf" ['\"`]?{LONG}\b"
    ),
)
"""How Python, shells and people say that an environment variable is not set."""


@dataclass(frozen=True)
class Frame:
    """A line of a traceback's."""

    indent: int
    path: str
    line: str


def exception(lines: Iterable[str]) -> str:
    """The last exception of the last traceback with its place in the app's own code, such as
    `KeyError: 'TOKEN' (app.py, line 5)`; empty where there is no traceback.

    All lines may be indented by as much; a syntax error has no header.
    """
    found, frames = "", list[Frame]()
    plain = [COLOURS.sub("", line).rstrip() for line in lines]
    for at, line in enumerate(plain):
        if HEADER.search(line):
            frames = []
        elif frame := FRAME.match(line):
            frames.append(Frame(len(frame[1]), frame[2], frame[3]))
        elif frames and (end := EXCEPTION.match(line)) and len(end[1]) < frames[0].indent:
            if end[2] not in CONSEQUENCES:
                found = _whole(line.strip(), plain[at + 1 :])[:LONGEST] + _place(frames)
            frames = []
    return found


def _whole(text: str, below: Sequence[str]) -> str:
    """A message with the fields that pydantic and its like name in the lines below."""
    if not (text.endswith(":") or VALIDATION.search(text)):
        return text
    fields: list[str] = []
    for line in below[: 2 * MOST_FIELDS]:
        if not line.strip() or HEADER.search(line) or ROUTINE.fullmatch(line):
            break
        if not line.startswith("  "):
            fields.append(line.strip())
    return f"{text.rstrip(':')}: {', '.join(fields)}" if fields else text


def _place(frames: Sequence[Frame]) -> str:
    own = [frame for frame in frames if not LIBRARY.search(frame.path)]
    return f" ({FOLDER.sub('', own[-1].path)}, line {own[-1].line})" if own else ""


def last_words(lines: Iterable[str]) -> str:
    """The exception, else the last line that says more than that something has ended; or empty."""
    kept = list(lines)
    found = exception(kept)
    if found:
        return found
    for line in reversed(kept):
        text = COLOURS.sub("", line).strip()
        if said := GUNICORN.match(text):
            text = "" if said[1] in ("INFO", "DEBUG") else said[2]
        if not ROUTINE.fullmatch(text):
            return text[:LONGEST]
    return ""


def is_routine(line: str) -> bool:
    """Whether gunicorn writes a line whatever has happened."""
    said = GUNICORN.match(COLOURS.sub("", line).strip())
    return bool(said and (said[1] in ("INFO", "DEBUG") or ROUTINE.fullmatch(said[2])))


def unmet(lines: Iterable[str]) -> str:
    """What uv or pip says cannot be had, such as `dash==99 is not in the index`; else empty."""
    text = " ".join(" ".join(lines).split())
    for pattern, meaning in UNMET:
        if found := re.search(pattern, text):
            return meaning.format(*found.groups())
    return ""


def of_build(lines: Iterable[str]) -> str:
    """Why a build failed, in its log: what the platform marks as the reason, what an installer
    could not have, or the last words."""
    kept = list(lines)
    marked = [found[1] for line in kept if (found := MARKED.match(line))]
    reasons = [text for text in marked if not VERDICT.match(text)]
    said = [line for line in kept if not MARKED.match(line)]
    return reasons[0] if reasons else unmet(kept) or last_words(said) or "".join(marked[:1])


def missing_package(cause: str) -> str:
    """The module or the program that a cause says is not there; else empty."""
    found = re.search(r"No module named '?([\w-]+)", cause)
    return found[1] if found else missing_program(cause)


def missing_program(cause: str) -> str:
    """The program that the shell has not found, by its words; empty where they say otherwise."""
    found = NOT_FOUND.search(cause)
    return found[1] if found else ""


def slow(lines: Iterable[str]) -> str:
    """That gunicorn has ended a worker which was still starting, where it says so; else empty."""
    if any("WORKER TIMEOUT" in line for line in lines):
        return "gunicorn has ended a worker that took longer to start than its --timeout"
    return ""


def other_port(lines: Iterable[str], port: int) -> int:
    """The port that a program says it listens on, where it is another than it should; else 0."""
    said = [int(number) for line in lines for number in ELSEWHERE.findall(line)]
    return said[-1] if said and port not in said else 0


def variable(text: str) -> str:
    """The environment variable that a cause says is not set; else empty."""
    return next((found[1] for pattern in UNSET if (found := pattern.search(text))), "")


def database(text: str) -> str:
    """The type of service whose address a text names, such as `postgres`; else empty."""
    return next((kind for kind, name in URL_VARIABLE.items() if name in text), "")


def exit_words(status: int, verb: str = "exited") -> str:
    """`exited with status 1`, or the signal that ended a process: `ended by SIGKILL`."""
    if status < 0:
        return f"ended by {_signal_name(-status)}"
    return f"{verb} with status {status}"


def _signal_name(number: int) -> str:
    """Its name; those for programs' own use have none (signal(7), real-time signals)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
