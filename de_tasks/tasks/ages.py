"""Times as people read them: how long ago."""

from __future__ import annotations

from datetime import datetime, timezone

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
UNKNOWN = "-"


def age(since: str, now: datetime | None = None) -> str:
    """How long ago a time of the API was, in the largest unit that fits; it writes UTC."""
    try:
        then = datetime.fromisoformat(since).replace(tzinfo=timezone.utc)
    except ValueError:
        return UNKNOWN
    seconds = max(0, int(((now or datetime.now(timezone.utc)) - then).total_seconds()))
    unit, size = next((pair for pair in UNITS if seconds >= pair[1]), UNITS[-1])
    return f"{seconds // size} {unit}"


def ago(since: str, now: datetime | None = None) -> str:
    """The same, in words."""
    text = age(since, now)
    return text if text == UNKNOWN else f"{text} ago"
