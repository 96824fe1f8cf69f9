"""A log as a page shows it: what is found in it, and what that may cost."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from de_tasks.server.web.log_view import MARKS_OF_LINE, MOST_MARKS, MOST_SHOWN, LogView, searched
from tests.support.waiting import BOUND


def page(*texts: object) -> dict[str, Any]:
    """What the API answers of a log."""
    return {"lines": [{"text": text} for text in texts], "next": str(len(texts))}


def marks(view: LogView) -> list[int]:
    """How many hits are marked in each line."""
    return [sum(hit for _, hit in line) for line in view.lines]


def test_hits_are_found_in_any_case() -> None:
    view = LogView.of(page("İ: Error, ERROR", "fine", "no error"), "error")
    assert view.lines[0] == [
        ("İ: ", False),
        ("Error", True),
        (", ", False),
        ("ERROR", True),
        ("", False),
    ]
    assert (view.found, view.read) == (2, 3) and marks(view) == [2, 1]


def test_so_many_hits_are_marked_and_no_more() -> None:
    texts = ["a" * 1000] * 900
    view = LogView.of(page(*texts), "a")
    assert view.found == 900 and ["".join(p for p, _ in line) for line in view.lines] == texts
    assert max(marks(view)) == MARKS_OF_LINE and sum(marks(view)) == MOST_MARKS
    assert marks(view)[-1] == MARKS_OF_LINE, "the newest lines come first"


def test_page_shows_so_much_text_and_no_more() -> None:
    texts = [f"{number}{'x' * 16_000}" for number in range(500)]
    view = LogView.of(page(*texts), "")
    shown = ["".join(p for p, _ in line) for line in view.lines]
    assert shown == texts[-len(shown) :] and sum(map(len, shown)) <= MOST_SHOWN
    assert (view.found, view.read, view.cut) == (500, 500, True)


def test_search_leaves_the_loop_to_others() -> None:
    others = threading.Event()

    class Long:
        def __str__(self) -> str:
            return "found" if others.wait(BOUND) else "alone"

    async def search() -> LogView:
        view = asyncio.create_task(searched(page(Long()), "found"))
        await asyncio.sleep(0)
        others.set()
        return await view

    assert asyncio.run(search()).found == 1
