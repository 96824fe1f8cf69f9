"""What a deploy was made from, as the trailers of its commit say."""

from __future__ import annotations

import re
from typing import Any

SOURCE = re.compile(r"([0-9a-f]{7,40})(-dirty)?(?: \((.+)\))?")
"""As the client writes it after `De-Source: `: commit, whether files differ from it, branch."""
PROMOTED = re.compile(r"(\S+) build \d+ ([0-9a-f]{7,40})")
"""The same after `De-Promoted: `: the app whose build it was, and the commit there."""
SHOWN = 7
"""Characters of a hash that people are shown."""


def commit_of(commit: dict[str, Any]) -> str:
    """`main@4d4d7f7`, the branch and commit that a deploy was made from; where these are not
    known, the deploy's own commit."""
    message = commit["message"] or ""
    if found := PROMOTED.fullmatch(_trailer(message, "De-Promoted")):
        return f"{found[1]}@{found[2][:SHOWN]}"
    if found := SOURCE.fullmatch(_trailer(message, "De-Source")):
        branch = f"{found[3]}@" if found[3] else ""
        return f"{branch}{found[1][:SHOWN]}{found[2] or ''}"
    return str(commit["sha"])[:SHOWN]


def _trailer(message: str, name: str) -> str:
    lines = [line for line in message.splitlines() if line.startswith(f"{name}: ")]
    return lines[-1].partition(": ")[2] if lines else ""
