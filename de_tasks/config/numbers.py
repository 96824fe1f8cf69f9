"""Numbers that people type."""

from __future__ import annotations

from de_tasks.errors import UsageError


def whole_number(text: str, origin: str, least: int = 0) -> int:
    """`text` as a number of at least `least`. Raises `UsageError` naming where it stood."""
    if not text.isdecimal() or int(text) < least:
        raise UsageError(f"{origin} should be a whole number from {least} up, not {text!r}.")
    return int(text)
