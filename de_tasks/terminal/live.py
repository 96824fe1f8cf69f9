"""Lines at the end of the terminal that change, so that long work shows life.

rich draws them, and is loaded with the first one: who reads a pipe never pays for it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from de_tasks.terminal.style import Part, has_marks
from de_tasks.terminal.text import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

STYLES = {"done": "green", "failed": "red", "look": "yellow", "detail": "dim", "name": "bold"}
BAR = 24
"""Columns."""
TIMES_A_SECOND = 10


@dataclass(frozen=True)
class Work:
    """Something that goes on: what, since when (of `time.monotonic`), how far in percent where
    that is known, and a word on where it is just now."""

    text: str
    since: float = field(default_factory=time.monotonic)
    percent: int | None = None
    detail: str = ""


_lock = threading.Lock()
"""Apps of a fleet are deployed by threads, each of which may print."""
_live: Live | None = None
_shown: Work | Sequence[tuple[Part, ...]] = ()


def show(what: Work | Sequence[tuple[Part, ...]]) -> None:
    """Show work, or lines, in the place of what was shown before."""
    global _live, _shown
    with _lock:
        _shown = what
        if _live is None:
            from rich.console import Console
            from rich.live import Live

            _live = Live(
                console=Console(stderr=True, highlight=False, markup=False, emoji=False),
                get_renderable=_Drawn(),
                refresh_per_second=TIMES_A_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            _live.start(refresh=True)


def clear() -> None:
    """Take it away, so that something can be printed."""
    global _live
    with _lock:
        if _live is not None:
            ended, _live = _live, None
            ended.stop()


def bar(done: int, total: int) -> tuple[Part, ...]:
    """How far it is, as part of a line."""
    full = BAR * done // total if total else BAR
    whole, rest = ("━", "─") if has_marks() else ("#", "-")
    return (whole * full, "done"), (rest * (BAR - full), "detail")


class _Drawn:
    """Called for each picture, in rich's thread."""

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self._spinner = Spinner("dots" if has_marks() else "line")

    def __call__(self) -> RenderableType:
        from rich.console import Group

        if isinstance(_shown, Work):
            return self._work(_shown)
        return Group(*map(_text, _shown))

    def _work(self, work: Work) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        seconds = (f"  {time.monotonic() - work.since:.0f} s", "detail")
        sign = str(self._spinner.render(time.monotonic()))
        if work.percent is None:
            return _text((f"{sign} {work.text}", seconds, (f"  {work.detail}", "detail")))
        grid = Table.grid(padding=(0, 1))
        bar = ProgressBar(100, work.percent, BAR)
        grid.add_row(
            _text((f"{sign} {work.text}", seconds)), bar, _text(((work.detail, "detail"),))
        )
        return grid


def _text(parts: tuple[Part, ...]) -> Text:
    from rich.text import Text

    pieces = [
        one_line(part) if isinstance(part, str) else (one_line(part[0]), STYLES[part[1]])
        for part in parts
    ]
    text = Text.assemble(*pieces, no_wrap=True, overflow="ellipsis")
    # A line that fills the terminal would be two, of which one is left behind.
    text.truncate(shutil.get_terminal_size().columns - 1, overflow="ellipsis")
    return text
