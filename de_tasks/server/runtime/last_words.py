"""Why a program ended, in its own words: the one line of its output that says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TRACEBACK = "Traceback (most recent call last):"
EXCEPTION = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?::\s.*|:?)")
"""How a traceback ends: `module.Name: message`, or the name alone."""
CHAINED = ("During handling of", "The above exception was")
CONSEQUENCES = ("gunicorn.errors.HaltServer", "SystemExit", "KeyboardInterrupt")
"""Exceptions by which a server ends after the one that matters."""
ROUTINE = re.compile(
    r"\s*|\[[^\]]*\] \[\d+\] \[(INFO|DEBUG)\] .*|(INFO|DEBUG):.*"
    r"|\[[^\]]*\] \[\d+\] \[(ERROR|WARNING|CRITICAL)\] (Exception in worker process|Worker \(pid:.*"
    r"|Shutting down.*|Reason: .*|App failed to load.*|Worker failed to boot.*)"
    r"|ERROR:\s+Application startup failed.*|\[sandbox\] .*|hint: .*|Try '.*' for help\.?|Aborted!"
    r"|For (further|more) information.*|[=~^*\s-]+|exec .*|\+ .*|Failed to (boot|load).*worker.*"
    r"|HaltServer.*|\S+: (-c: )?line \d+: `.*'"
)
"""Lines that servers write whatever has happened."""
VALIDATION = re.compile(r"\d+ validation errors? for ")
MOST_FIELDS = 6
SLOW = "gunicorn has ended a worker that took longer to start than its --timeout"
PLACE = re.compile(r"\s*File \"(?:.*/releases/\d+/)?([^\"]+)\", line (\d+)")
SYNTAX = ("SyntaxError", "IndentationError", "TabError")
NOT_FOUND = re.compile(r"^\S*sh: (?:line )?\d+: (?:exec: )?([\w.-]+): (?:command )?not found$")
ELSEWHERE = re.compile(r"https?://(?:127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]):(\d+)")


def of(lines: Sequence[str], ended: bool = True) -> str:
    """The line that names the cause: how the last traceback ends, else the last one that no
    server writes as a matter of routine; empty where there is none.

    Of a program that has not `ended`, the last line is one of many.
    """
    plain = [COLOURS.sub("", line).rstrip() for line in lines]
    if found := _exception(plain):
        return found
    if not ended:
        return SLOW if any("WORKER TIMEOUT" in line for line in plain) else ""
    last = (line.strip() for line in reversed(plain) if not ROUTINE.fullmatch(line))
    return next(last, "")


def missing_program(words: str) -> str:
    """The program that the shell has not found, by its words; empty where they say otherwise."""
    found = NOT_FOUND.search(words)
    return found[1] if found else ""


def other_port(lines: Sequence[str], port: int) -> int:
    """The port that a program says it listens on, where it is another than it should; else 0."""
    said = [int(number) for line in lines for number in ELSEWHERE.findall(line)]
    return said[-1] if said and port not in said else 0


def _fields(lines: Sequence[str]) -> Iterator[str]:
    """What stands below the first line of a message: of pydantic, the fields that are wrong."""
    for line in lines[: 2 * MOST_FIELDS]:
        if not line.strip() or TRACEBACK in line or ROUTINE.fullmatch(line):
            return
        if not line.startswith("  "):
            yield line.strip()


def _exception(lines: Sequence[str]) -> str:
    found, place = "", ""
    inside, margin = False, 0
    for number, line in enumerate(lines):
        place = f"{match[1]}:{match[2]}" if (match := PLACE.match(line)) else place
        if TRACEBACK in line:
            # uv sets what a build prints further in, and uvicorn puts a level before it.
            inside, margin = True, len(line) - len(line.lstrip())
        elif inside and line.strip() and len(line) - len(line.lstrip()) <= margin:
            inside = False
            text = line.strip()
            match = EXCEPTION.fullmatch(text)
            if match and match["name"] not in CONSEQUENCES and not text.startswith(CHAINED):
                # Of others the message says what is meant; here it is nothing without the place.
                found = f"{text} ({place})" if match["name"] in SYNTAX and place else text
                more = text.endswith(":") or VALIDATION.search(text)
                if more and (fields := ", ".join(_fields(lines[number + 1 :]))):
                    found = f"{found.rstrip(':')}: {fields}"
    return found
