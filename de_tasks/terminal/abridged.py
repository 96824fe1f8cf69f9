"""A failed app's log without the libraries' part: what is left says where its own code failed."""

from __future__ import annotations

from collections.abc import Iterable

from de_tasks.health.causes import COLOURS, EXCEPTION, FOLDER, FRAME, LIBRARY, MARKED, VERDICT

REPEATED = "[Previous line repeated "


class Abridged:
    """Tells, line by line, what of a log to show: all but the frames of tracebacks that lie in
    installed packages or in Python itself, and an exception's words where a server repeats them."""

    def __init__(self) -> None:
        self._frame: int | None = None
        self._dropped = False
        self._words = ""

    def keeps(self, line: str) -> bool:
        """Whether the next line is to be shown."""
        text = COLOURS.sub("", line).rstrip()
        words, indent = text.strip(), len(text) - len(text.lstrip())
        repeated, self._words = bool(words) and words == self._words, ""
        if frame := FRAME.match(text):
            self._frame, self._dropped = indent, bool(LIBRARY.search(frame[2]))
            return not self._dropped
        if self._frame is None:
            return not repeated
        if indent > self._frame or words.startswith(REPEATED):
            # The frame's line of code, and the marks below it.
            return not self._dropped
        if indent < self._frame and (end := EXCEPTION.match(text)):
            self._words = (end[3] or "")[2:]
        self._frame = None
        return True


def abridged(lines: Iterable[str]) -> list[str]:
    """The lines that are to be shown of a log."""
    shown = Abridged()
    return [line for line in lines if shown.keeps(line)]


def in_its_folder(line: str) -> str:
    """A line of a traceback with its path as it is in the app's folder."""
    frame = FRAME.match(line)
    return line.replace(frame[2], FOLDER.sub("", frame[2]), 1) if frame else line


def beside(line: str, end: str) -> str:
    """A line of a build's log without what the message at the `end` says anyway; empty where that
    is all of it."""
    if repeats(line, end):
        return ""
    marked = MARKED.match(line)
    if not (end and marked and VERDICT.match(marked[1])):
        return line
    return line[: marked.start(1)] + marked[1].partition(". ")[2]


def repeats(line: str, end: str) -> bool:
    """Whether a line by which a build's log says why it ended says no more than the message at
    the `end` does."""
    marked = MARKED.match(line)
    if marked is None:
        return False
    verdict = VERDICT.match(marked[1])
    # Behind the verdict it may say which release keeps serving.
    return marked[1] in end or bool(verdict and "." not in marked[1].rstrip("."))
