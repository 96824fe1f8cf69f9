"""What somebody may have meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean deploy?` for `dploy`; empty where nothing known resembles the word."""
    import difflib

    choices = sorted(known)
    begins = [choice for choice in choices if choice.startswith(word)]
    close = begins or difflib.get_close_matches(word, choices, n=1)
    return f" Did you mean {min(close, key=len)}?" if close else ""
