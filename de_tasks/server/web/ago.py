"""How long ago something was, for people."""

from __future__ import annotations

from datetime import datetime, timezone

STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def ago(text: str, now: datetime | None = None) -> str:
    """ "5 min ago" for a time in ISO 8601; one without an offset is in UTC."""
    then = datetime.fromisoformat(text)
    if then.tzinfo is None:
        then = then.replace(tzinfo=timezone.utc)
    seconds = ((now or datetime.now(timezone.utc)) - then).total_seconds()
    for length, unit in STEPS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"
