"""A log as a page shows it: its last lines, or those that have what is searched for."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

READ = 10_000
"""Lines that the API gives at once, of the newest ones: these are searched and downloaded."""
SHOWN = 1000
"""Lines on a page."""
UNSEARCHED = SHOWN + 1
"""Lines that are asked for where nothing is searched for: one more, which says that there are."""
MOST_SHOWN = 1024 * 1024
"""Characters of them."""
MOST_MARKS = 5000
MARKS_OF_LINE = 20
"""Hits that are marked, on a page and in a line; those of the newest lines come first."""
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
        """The view of what the API answers, with what is searched for."""
        texts = [str(line["text"]) for line in page["lines"]]
        folded = _folded(words)
        found = [text for text in texts if folded in _folded(text)] if words else texts
        lines: list[list[tuple[str, bool]]] = []
        room, marks = MOST_SHOWN, MOST_MARKS
        for text in reversed(found[-SHOWN:]):
            room -= len(text)
            if room < 0:
                break
            lines.append(_pieces(text, folded, min(marks, MARKS_OF_LINE)))
            marks -= len(lines[-1]) // 2
        return cls(lines[::-1], words, len(found), len(texts), str(page["next"]))

    @property
    def cut(self) -> bool:
        """Whether there is more than is shown."""
        return self.found > len(self.lines)

    @property
    def live(self) -> bool:
        """Whether lines that come later belong to it."""
        return not self.words


def asked_for(request: Request) -> tuple[str, int]:
    """The words of a page's address, and how many lines to ask for."""
    words = request.query_params.get("q", "").strip()[:LONGEST_WORDS]
    return words, READ if words else UNSEARCHED


async def searched(page: dict[str, Any], words: str) -> LogView:
    """The same as `LogView.of`, beside the event loop: a log has megabytes."""
    return await asyncio.to_thread(LogView.of, page, words)


def _pieces(text: str, folded: str, most: int) -> list[tuple[str, bool]]:
    """The text in turns of what was not searched for and what was, as often as `most`."""
    pieces, begin, within = [], 0, _folded(text) if folded else ""
    for _ in range(most if folded else 0):
        at = within.find(folded, begin)
        if at < 0:
            break
        end = at + len(folded)
        pieces += [(text[begin:at], False), (text[at:end], True)]
        begin = end
    return [*pieces, (text[begin:], False)]


def _folded(text: str) -> str:
    """The text without its case, each character in its place: a search in it takes time by its
    length alone, which one by a pattern without case does not."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(one if len(one) == 1 else kept for kept in text for one in [kept.casefold()])


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
