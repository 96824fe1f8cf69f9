"""A deploy at a terminal: a line for each step, with its seconds, and one that is updated."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from de_tasks.health.causes import is_routine
from de_tasks.terminal import console, live, style, wrapping
from de_tasks.terminal.abridged import Abridged, abridged, beside, in_its_folder
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event

HEADER = re.compile(r"^-----> *(.*)$")
"""How Heroku's build logs, and all that follow them, begin a step."""
BUILD = re.compile(r"^Build (\d+) of ")
QUEUED = re.compile(r"^\s+(Waiting(?: for\b|:).*)$")
"""How a build's log says what it waits for."""
PERCENT = re.compile(r"(\d+)%")
ENDS = (
    (re.compile(r"^\s+Installed (\d+ packages?) "), r"Installed \1"),
    (re.compile(r"^\s+(\w+) answered after "), r"\1 answers"),
)
"""What a line of a step's log makes of the step, when it is done."""
UNCHANGED = re.compile(r"^\s+Requirements unchanged\b")
"""How it says that there is nothing to install."""
WIDTH = 42
"""Columns, before the seconds of a step; fewer in a narrow terminal."""
WAITING = "Waiting for the build"
WORTH_TELLING = 0.05
"""Seconds; what takes less is told without a time."""


class Packages:
    """How many of the packages there are is known, as uv's or pip's lines tell it."""

    TOTAL = re.compile(r"^\s+Resolved (\d+) packages?\b")
    NAMES = re.compile(r"^\s+Installing collected packages: (.+)$")
    ONE = re.compile(r"^\s+(?:(?:Downloaded|Built) (\S+)|\+ ([\w.-]+)==)")

    def __init__(self) -> None:
        self._total = 0
        self._there: set[str] = set()

    def saw(self, line: str) -> None:
        """Take a line of the log."""
        if total := self.TOTAL.match(line):
            self._total = int(total[1])
        elif names := self.NAMES.match(line):
            self._total = len(names[1].split(","))
        elif one := self.ONE.match(line):
            self._there.add(re.split(r"[=@]", (one[1] or one[2]).lower())[0])

    @property
    def percent(self) -> int | None:
        """How far it is; None where no total is known."""
        return min(100, 100 * len(self._there) // self._total) if self._total else None

    @property
    def words(self) -> str:
        """`3 of 30 packages`."""
        there = min(len(self._there), self._total)
        return f"{there} of {self._total} package{'' if self._total == 1 else 's'}"


class Screen:
    """A deploy at a terminal: what is done in a line each, what goes on in one that changes.

    The log of a step that ends well is folded into its line, unless `verbose`.
    """

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        # Where no line can change, the log is what shows life.
        self._unfolded = verbose or not style.moving()
        self._abridged = Abridged()
        self._app = self._build = ""
        self._since = time.monotonic()
        self._times: tuple[datetime, datetime] | None = None
        self._step = self._end = ""
        self._log: list[str] = []
        self._packages = Packages()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        told = {
            "plan": self._planned,
            "step": self._stepped,
            "progress": self._goes_on,
            "log": self._logged,
            "wait": lambda event: _look(event.text),
            "done": self._done,
        }
        told.get(event.kind, self._planned)(event)

    def failed(self, end: str, interrupted: bool = False) -> None:
        """Say where it ended, and print what was folded away but what the message at the `end`
        says anyway. A step that was `interrupted` has not failed."""
        if self._step:
            sign = style.sign_of("off" if interrupted else "failed")
            console.line(sign, f" {self._step}")
        for text in [] if self._unfolded else abridged(self._log):
            header = HEADER.match(text)
            # The step has its line already.
            if is_routine(text) or (header and header[1] == self._step):
                continue
            if left := beside(text, end):
                console.note(in_its_folder(left), log=True)

    def _planned(self, event: Event) -> None:
        for text in event.text.split("\n"):
            console.line((f"  {text}", "detail"))
        self._since = time.monotonic()

    def _stepped(self, event: Event) -> None:
        if app := str(event.facts.get("app", "")):
            self._app = app
            before, _, after = event.text.partition(app)
            console.line(before, (app, "name"), after)
        elif sha := str(event.facts.get("sha", "")):
            _did(f"Sent {sha[:7]}", float(str(event.facts.get("seconds", 0))))
            self._begin(WAITING)
            if style.moving():
                live.show(live.Work(WAITING, self._since))
        elif "warnings" in event.facts or "process" in event.facts:
            _look(event.text)
        elif "created" in event.facts:
            _did(event.text)
        else:
            console.line(f"  {event.text}")

    def _goes_on(self, event: Event) -> None:
        if not style.moving():
            return
        percent = PERCENT.search(event.text)
        text = event.text.rpartition(": ")[0] or event.text
        if percent:
            console.work(live.Work("Sending", self._since, int(percent[1])))
        elif "seconds" in event.facts:
            self._move_on(text)
            answers = event.facts.get("answers")
            detail = f"answers {answers} so far" if answers else ""
            console.work(live.Work(text, self._since, detail=detail))
        else:
            console.work(live.Work(text, self._since))

    def _logged(self, event: Event) -> None:
        self._clock(event.facts.get("time"))
        if header := HEADER.match(event.text):
            self._move_on(header[1])
        elif UNCHANGED.match(event.text) and not self._unfolded:
            self._move_on("")
            _did("Requirements unchanged")
        self._log.append(event.text)
        self._packages.saw(event.text)
        for line, end in ENDS:
            if found := line.match(event.text):
                self._end = found.expand(end)
        if self._unfolded:
            if self._verbose or self._abridged.keeps(event.text):
                console.note(event.text, log=True)
        elif style.moving():
            queued = QUEUED.match(event.text)
            text = queued[1] if queued else self._step or "Building"
            detail = "" if header or queued else event.text.strip()
            percent = self._packages.percent
            if percent is not None and not queued:
                detail = self._packages.words
            console.work(live.Work(text, self._since, percent, detail))

    def _move_on(self, text: str) -> None:
        """A step begins, and the one before it has ended well."""
        if text == self._step:
            return
        if self._step not in ("", WAITING) and not self._unfolded:
            _did(self._end or self._step, self._spent())
        if found := BUILD.match(text):
            self._build = found[1]
        hidden = found or text.startswith("Released")
        self._begin("" if hidden else text)

    def _begin(self, text: str) -> None:
        self._step, self._end, self._since, self._log = text, "", time.monotonic(), []
        self._packages = Packages()
        self._times = (self._times[1], self._times[1]) if self._times else None

    def _clock(self, at: object) -> None:
        """Lines come several at once: the server knows when each was written."""
        with suppress(ValueError):
            now = datetime.fromisoformat(str(at))
            self._times = (self._times[0] if self._times else now, now)

    def _spent(self) -> float:
        if self._times is None:
            return time.monotonic() - self._since
        begun, last = self._times
        # What is waited for after the build's end writes nothing into its log.
        return (last - begun).total_seconds() if self._log else time.monotonic() - self._since

    def _done(self, event: Event) -> None:
        if "seconds" in event.facts:
            self._move_on("")
        url, changed = str(event.facts.get("url") or ""), event.facts.get("changed")
        text, name = event.text.removesuffix(f": {url}"), self._app
        if changed and self._build and event.facts.get("live"):
            text = f" is live: build {self._build}, {event.facts['seconds']:.1f} s"
        elif changed is False:
            text = " is up to date: nothing has changed"
        elif text.startswith(f"{name} "):
            text = text.removeprefix(name)
        else:
            name = ""
        console.line(style.sign_of("done"), " ", (name, "name") if name else "", text, out=True)
        if url:
            console.line("  ", (url, "name"), out=True)
        if changed is not None:
            commands = ("open", "logs --follow") if changed else ("restart",)
            words = f" {style.dot()} ".join(typed(f"{c} --name {self._app}") for c in commands)
            console.line((f"  Next: {words}", "detail"))


def _did(text: str, seconds: float = 0) -> None:
    sign = style.sign_of("done")
    time = f" {seconds:5.1f} s" if seconds >= WORTH_TELLING else ""
    room = wrapping.width() - len(time) - len(sign[0]) - 1
    console.line(sign, " ", f"{text:{min(WIDTH, max(0, room))}}{time}" if time else text)


def _look(text: str) -> None:
    console.line(style.sign_of("look"), f" {text}")
