"""How long ago something was, and how long it took, for people."""

from __future__ import annotations

from datetime import datetime, timezone

STEPS = ((86400, "d"), (3600, "h"), (60, "min"))


def ago(text: str, now: datetime | None = None) -> str:
    """ "5 min ago" for a time in ISO 8601; one without an offset is in UTC."""
    seconds = ((now or datetime.now(timezone.utc)) - _time(text)).total_seconds()
    for length, unit in STEPS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def duration(begin: str, end: str) -> str:
    """ "2 min 5 s" between two such times."""
    exact = max(0.0, (_time(end) - _time(begin)).total_seconds())
    if exact < 10:
        return f"{exact:.1f} s"
    seconds = round(exact)
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _time(text: str) -> datetime:
    then = datetime.fromisoformat(text)
    return then if then.tzinfo else then.replace(tzinfo=timezone.utc)
