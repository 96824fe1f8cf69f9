"""Why requirements could not be installed: what uv said, in the words of who wrote them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from de_tasks.health import causes

DRAWN = re.compile(
    r"^\s*(?:[\u00d7\u251c\u2570\u2502][\u2500\u25b6\s]*|error:|cause:|Caused by:)\s*"
)
"""What uv draws before a cause; versions of it differ."""
NAME = r"`?([A-Za-z0-9][\w.\[\],-]*(?:[=<>!~]=?[^\s,`]+)?)`?"
NO_VERSION = re.compile(rf"there is no version of {NAME} and")
OTHER_VERSIONS = re.compile(rf"only {NAME} is available and")
NO_PACKAGE = (
    re.compile(rf"was not found in [\w ]+ and you require {NAME}"),
    re.compile(rf"{NAME} was not found in (?:the package registry|the provided|the cache)"),
)
NEEDS_PYTHON = re.compile(
    r"current Python version \(([\d.]+)\) does not satisfy (Python[^\s]+(?:, ?[<>=!~][^\s]+)?)"
    rf" and (?:you require )?{NAME}"
)
WHEELS = re.compile(
    r"only found wheels for `([^`]+)` \(v([^)]+)\) with the following Python (?:ABI|implementation)"
    r" tags?: ([^\n]*)"
)
NO_WHEEL = re.compile(rf"{NAME} has no wheels with a matching (?:Python|platform)[^,]*? tag")
BUILD = re.compile(r"Failed to (?:build|download and build) `([^`]+)`")
INCLUDED = re.compile(r"was included because `([^`]+)`(?: \(v([^)]+)\))? depends on")
FETCH = re.compile(r"Failed to fetch: `?(\S+?)`?$", re.MULTILINE)
TAG = re.compile(r"`cp(\d)(\d+)m?u?`")
MOST_LINES = 400
LONGEST_WORD = 200
WORD = re.compile(rf"\S{{{LONGEST_WORD},}}")
"""What is longer is no name, and is searched again and again."""
RUNTIME = "ask for another Python with inv update --python-version (on version 4 in runtime.txt)"


def unmet(said: Sequence[str], python: str) -> str:
    """What cannot be had, and the remedy, in one sentence without its full stop; empty where uv
    has given up for another reason. `python` is the version that was installed for."""
    return _resolution(" ".join(DRAWN.sub("", line).strip() for line in _short(said)), python)


def refusal(said: Sequence[str], python: str) -> str:
    """The same of all other reasons."""
    said = _short(said)
    text = "\n".join(line.strip() for line in said)
    if match := BUILD.search(text):
        joined = " ".join(DRAWN.sub("", line).strip() for line in said)
        return _unbuilt(match[1], said, python, joined)
    if match := FETCH.search(text):
        return f"{match[1]} could not be reached: {_last_cause(said)}"
    return _last_cause(said)


def _short(said: Sequence[str]) -> list[str]:
    # In whole: of a secret no part is left that nobody would recognise.
    return [WORD.sub("...", line) for line in said[-MOST_LINES:]]


def being_built(said: Sequence[str]) -> str:
    """The packages whose builds had begun and not ended, as words of a sentence."""
    found: dict[str, None] = {}
    for line in said:
        word, _, name = line.strip().partition(" ")
        if word == "Building":
            found[name] = None
        elif word == "Built":
            found.pop(name, None)
    *others, last = [*found] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _resolution(joined: str, python: str) -> str:
    if match := WHEELS.search(joined):
        name, version, tags = match.groups()
        pythons = [f"{a}.{b}" for a, b in dict.fromkeys(TAG.findall(tags))]
        only = f", only for {', '.join(pythons)}" if pythons else ""
        return f"{name}=={version} has no wheel for Python {_minor(python)}{only}: require another \
version, or {RUNTIME}"
    if match := NEEDS_PYTHON.search(joined):
        have, wanted, name = match.groups()
        return f"{name} needs {wanted}, and this app has Python {have}: require another version, \
or {RUNTIME}"
    if match := NO_VERSION.search(joined):
        return f"{match[1]} is not in the index: correct the version, or leave it out"
    if match := OTHER_VERSIONS.search(joined):
        return f"only {match[1]} is available: correct the version"
    if match := next(filter(None, (form.search(joined) for form in NO_PACKAGE)), None):
        name = match[1].rstrip(",")
        return f"{name} is not in the index: correct the name, or add its index with a line \
'--extra-index-url <address>'"
    if match := NO_WHEEL.search(joined):
        return f"{match[1]} has no wheel for this Python or this machine: require another version, \
or {RUNTIME}"
    begin = joined.find("Because ")
    end = joined.find("unsatisfiable", begin)
    if begin < 0 or end < 0:
        return ""
    reason = joined[begin + len("Because ") : end].replace(
        ", we can conclude that your requirements are ", ""
    )
    return f"requirements contradict one another: {reason.strip()}"


def _unbuilt(name: str, said: Sequence[str], python: str, joined: str) -> str:
    words = (causes.last_words(_of_the_build(said)) or _last_cause(said)).rstrip(".")
    by = INCLUDED.search(joined)
    what = f"{name}, which {by[1]} requires," if by else name
    if " @ " in name or "://" in name:
        return f"{what} could not be built: {words}"
    return (
        f"{what} has no wheel for Python {_minor(python)}, and could not be built: {words}. "
        f"Require another version, or {RUNTIME}"
    )


def _of_the_build(said: Sequence[str]) -> list[str]:
    """What the package's own build printed."""
    starts = [at for at, line in enumerate(said) if line.strip() in ("[stderr]", "[stdout]")]
    last = starts[-1] + 1 if starts else len(said)
    return [line for line in said[last:] if not line.strip().startswith("hint: ")]


def _last_cause(said: Sequence[str]) -> str:
    if built := causes.last_words(_of_the_build(said)):
        return built
    drawn = [DRAWN.sub("", line).strip() for line in said if DRAWN.match(line)]
    return drawn[-1].rstrip(".") if drawn else ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
