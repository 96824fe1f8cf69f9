"""How a rollout is shown: a live table on a terminal, lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from de_tasks.errors import DeployFailed
from de_tasks.tasks.facts import event_facts
from de_tasks.terminal import console, live, style
from de_tasks.terminal.commands import typed
from de_tasks.terminal.style import Part

if TYPE_CHECKING:
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.fleets.parallel import Job, Result
    from de_tasks.net.budget import Window

WORDS = {
    "live": "live",
    "built": "built",
    "unchanged": "unchanged",
    "failed": "FAILED",
    "interrupted": "interrupted",
    "not begun": "not begun",
}
SIGNS = {"live": "done", "built": "look"}


class LiveTable:
    """Tells people how the deploys go.

    `left` tells what is left of the points of each host, `width` is that of the longest name.
    """

    def __init__(self, total: int, left: Callable[[], Sequence[Window]], width: int) -> None:
        self._total = total
        self._left = left
        self._running: dict[str, tuple[float, str]] = {}
        self._ended: list[Result] = []
        self._waiting_until = 0.0
        self._live = style.moving()
        self._width = width

    def told(self, job: Job, event: Event) -> None:
        """Something happened in a deploy."""
        since, seen = self._running.get(job.name, (time.monotonic(), ""))
        text = event.text.partition("\n")[0]
        if event.kind == "wait":
            self._wait(event)
        elif event.kind in ("step", "progress"):
            self._running[job.name] = (since, text)
            if not self._live and event.kind == "step" and seen:
                console.note(f"{job.name}: {text}")
        else:
            self._running[job.name] = (since, seen)
        self.tick()

    def ended(self, result: Result) -> None:
        """A deploy has ended."""
        self._running.pop(result.job.name, None)
        self._ended.append(result)
        if style.for_people():
            _at_a_glance(result, self._width)
        else:
            word = f"{WORDS[result.status]}. " if result.code else ""
            console.note(f"{result.job.name}: {word}{_line(result)}")
        self.tick()

    def tick(self) -> None:
        """Show what is now."""
        if not self._live:
            return
        now = time.monotonic()
        width = max(map(len, self._running), default=0)
        lines: list[tuple[Part, ...]] = [
            (f"  {name:{width}}", (f"  {now - since:4.0f} s", "detail"), f"  {text}")
            for name, (since, text) in self._running.items()
        ]
        done = live.bar(len(self._ended), self._total)
        console.block([*lines, (*done, f"  {self._summary()}")])

    def _summary(self) -> str:
        failed = sum(bool(result.code) for result in self._ended)
        words = [f"{len(self._ended)} of {self._total} apps"]
        words += [f"{failed} failed"] if failed else []
        for known in self._left():
            if known.limit:
                left = max(0, known.left - known.held)
                seconds = max(0.0, known.end - time.time())
                words.append(f"{left} of {known.limit} points left, all again in {seconds:.0f} s")
        return ", ".join(words)

    def _wait(self, event: Event) -> None:
        """All wait for the same: one line is enough."""
        seconds = float(str(event.facts.get("seconds", 0)))
        if not self._live and time.monotonic() > self._waiting_until:
            console.note(event.text)
            self._waiting_until = time.monotonic() + seconds


class JsonLines:
    """Tells programs: one line for each event, with the name of the app."""

    def told(self, job: Job, event: Event) -> None:
        """Something happened in a deploy."""
        named = {"app": job.name, "host": job.host}
        console.result_json(
            {"event": event.kind, **named, "text": event.text, **event_facts(event)}
        )

    def ended(self, result: Result) -> None:
        """A deploy has ended."""
        console.result_json({"event": "result", **facts(result)})

    def tick(self) -> None:
        """Time that passes is no event."""


def facts(result: Result) -> dict[str, object]:
    """How a deploy ended, for programs."""
    return {
        "app": result.job.name,
        "host": result.job.host,
        "status": result.status,
        "code": result.code,
        "seconds": round(result.seconds, 2),
        "text": result.text,
        "url": result.url or None,
        "log": list(result.log),
    }


def _line(result: Result) -> str:
    """One line of how it ended: a deploy's failure names its cause in the last."""
    lines = result.text.splitlines() or [""]
    return lines[-1] if result.code == DeployFailed.exit_code else lines[0]


def _sign(result: Result) -> Part:
    return style.sign_of("failed" if result.code else SIGNS.get(result.status, "off"))


def show(results: Sequence[Result]) -> None:
    """The end of all: at a terminal, where each was shown as it ended, their numbers; elsewhere
    the table, and the last lines of what failed."""
    from de_tasks.terminal.abridged import abridged, repeats

    if style.for_people():
        numbers = Counter(result.status for result in results)
        console.line(
            ", ".join(f"{number} {status}" for status, number in numbers.items()), out=True
        )
        return
    _in_lines(results)
    for result in results:
        lines = [line for line in abridged(result.log) if not repeats(line, result.text)]
        if result.status == "failed" and lines:
            whole = result.text.partition("\n")[0]
            console.note(f"\n{result.job.name}: {whole}")
            for line in lines:
                console.note(f"  {line}", log=True)


def again(names: Sequence[str], apply: bool = False) -> str:
    """What deploys those that were not deployed."""
    return typed(f"fleet.deploy --only {','.join(names)}{' --apply' if apply else ''}")


def _at_a_glance(result: Result, width: int) -> None:
    """A line; what failed has its cause, and where the whole log is, in the next ones."""
    name, seconds = result.job.name, f"{result.seconds:6.1f} s" if result.seconds else " " * 8
    status: Part = (f"{result.status:9}", "failed" if result.code else "done")
    cause = _line(result)
    detail = (result.url or cause) if not result.code else ""
    gap = " " * (width - len(name) + 2)
    console.line(_sign(result), " ", (name, "name"), gap, status, f" {seconds}  {detail}", out=True)
    if result.code and cause:
        console.line(f"    {cause}", out=True)
    if result.status == "failed" and (first := result.text.partition("\n")[0]) != cause:
        console.line((f"    {first}", "detail"), out=True)


def _in_lines(results: Sequence[Result]) -> None:
    rows = [
        (
            result.job.name,
            WORDS[result.status],
            f"{result.seconds:.1f} s" if result.seconds else "-",
            result.url or _line(result) or "-",
        )
        for result in results
    ]
    console.table(("NAME", "RESULT", "TIME", "ADDRESS OR REASON"), rows)
