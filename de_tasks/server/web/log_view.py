"""A log as a page shows it: its last lines, or those that have what is searched for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import PlainTextResponse, Response

READ = 10_000
"""Lines that the API gives at once, of the newest ones: these are searched and downloaded."""
SHOWN = 1000
"""Lines on a page."""
LONGEST_WORDS = 200


@dataclass(frozen=True)
class LogView:
    """Lines of a log, each as pieces, with whether a piece is what was searched for; `found` counts
    all that match, `read` all that were looked at, and `next` is where the log goes on."""

    lines: list[list[tuple[str, bool]]]
    words: str
    found: int
    read: int
    next: str

    @classmethod
    def of(cls, page: dict[str, Any], words: str) -> LogView:
        """The view of what the API answers, with the words of the page's address."""
        words = words.strip()[:LONGEST_WORDS]
        texts = [str(line["text"]) for line in page["lines"]]
        wanted = re.compile(f"({re.escape(words)})", re.IGNORECASE) if words else None
        found = [text for text in texts if wanted is None or wanted.search(text)]
        lines = [_pieces(text, wanted) for text in found[-SHOWN:]]
        return cls(lines, words, len(found), len(texts), str(page["next"]))

    @property
    def live(self) -> bool:
        """Whether lines that come later belong to it."""
        return not self.words


def _pieces(text: str, wanted: re.Pattern[str] | None) -> list[tuple[str, bool]]:
    # With its group, a split gives what was between the matches and the matches in turn.
    parts = wanted.split(text) if wanted else [text]
    return [(part, bool(number % 2)) for number, part in enumerate(parts) if part]


def download(page: dict[str, Any], name: str) -> Response:
    """The lines as a file of text, each with its time (UTC)."""
    text = "".join(f"{line['time']} {line['text']}\n" for line in page["lines"])
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    headers = {
        "Content-Disposition": f'attachment; filename="{safe}.txt"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return PlainTextResponse(text, headers=headers)
