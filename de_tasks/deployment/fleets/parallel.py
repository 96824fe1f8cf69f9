"""Many deploys at once: as many as are allowed in parallel, and one that fails stops no other."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from de_tasks.deployment.events import Event
from de_tasks.deployment.plan import ReadyDeploy
from de_tasks.deployment.watch import LAST_LINES
from de_tasks.errors import DeployFailed, DeTasksError, Interrupted
from de_tasks.repo.git import Git
from de_tasks.terminal.commands import typed

TICK = 0.2
"""Seconds between two moments at which the observer may show the time that passes."""
END_SECONDS = 5.0
"""Seconds that deploys have to end after an interrupt."""


@dataclass(frozen=True)
class Job:
    """One app's deploy: `begin` makes it, `last_lines` gives the end of the log that tells of a
    failure, `settle` hears that it is over."""

    name: str
    host: str
    begin: Callable[[Callable[[Event], None]], ReadyDeploy]
    last_lines: Callable[[], tuple[str, ...]]
    settle: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Result:
    """How a deploy ended: `status` is live, built, unchanged, failed, interrupted or not begun."""

    job: Job
    status: str
    seconds: float = 0.0
    text: str = ""
    code: int = 0
    url: str = ""
    log: tuple[str, ...] = field(default=(), repr=False)
    sha: str = ""


class Observer(Protocol):
    """Who shows how it goes. All is told from one thread."""

    def told(self, job: Job, event: Event) -> None:
        """Something happened in a deploy."""

    def ended(self, result: Result) -> None:
        """A deploy has ended."""

    def tick(self) -> None:
        """Time has passed."""


class Stopped(KeyboardInterrupt):
    """The interrupt, in the thread of a deploy."""


class Rollout:
    """Runs jobs, `parallel` at once, each in a thread."""

    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._stop = threading.Event()
        self._news: queue.SimpleQueue[tuple[Job, Event] | Result] = queue.SimpleQueue()
        self._here = threading.local()

    def pause(self, seconds: float) -> None:
        """Sleep. Raises `Stopped` when the rollout ends meanwhile."""
        if self._stop.wait(seconds):
            raise Stopped

    def tell(self, event: Event) -> bool:
        """Tell something of the job whose thread this is; False in no job's thread."""
        job: Job | None = getattr(self._here, "job", None)
        if job:
            self._news.put((job, event))
        return job is not None

    def run(self, jobs: Sequence[Job], observer: Observer) -> list[Result]:
        """Run all jobs; returns their results in the order of the jobs.

        After an interrupt what has begun is ended, and the others do not begin.
        """
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)
        # Daemons: one that waits for a server which does not answer must not hold up the end.
        threads = [
            threading.Thread(target=self._work, args=[waiting], daemon=True)
            for _ in range(min(self._parallel, len(jobs)))
        ]
        results: dict[int, Result] = {}
        begun: dict[int, float] = {}
        try:
            for thread in threads:
                thread.start()
            while len(results) < len(jobs):
                self._hear(observer, results, begun)
        except KeyboardInterrupt:
            with _uninterrupted():
                self._end(threads)
            while not self._news.empty():
                self._hear(observer, results, begun)
        finally:
            with _uninterrupted():
                self._end(threads)
        return [results.get(id(job)) or _cut_off(job, begun) for job in jobs]

    def _hear(
        self, observer: Observer, results: dict[int, Result], begun: dict[int, float]
    ) -> None:
        try:
            news = self._news.get(timeout=TICK)
        except queue.Empty:
            observer.tick()
            return
        if isinstance(news, Result):
            results[id(news.job)] = news
            observer.ended(news)
        else:
            begun.setdefault(id(news[0]), time.monotonic())
            observer.told(*news)

    def _work(self, waiting: queue.SimpleQueue[Job]) -> None:
        while not self._stop.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            self._here.job = job
            result = self._deploy(job)
            job.settle()
            self._news.put(result)

    def _deploy(self, job: Job) -> Result:
        begin, done = time.monotonic(), list[Event]()
        seen: deque[str] = deque(maxlen=LAST_LINES)

        def tell(event: Event) -> None:
            if event.kind == "done":
                done.append(event)
            if event.kind == "log":
                seen.append(event.text)
            self._news.put((job, event))

        def ended(status: str, text: str, code: int, log: tuple[str, ...] = ()) -> Result:
            facts = done[0].facts if done else {}
            return Result(
                job=job,
                status=status,
                seconds=time.monotonic() - begin,
                text=text,
                code=code,
                url=str(facts.get("url") or ""),
                log=log,
                sha=str(facts.get("sha") or ""),
            )

        try:
            job.begin(tell).run()
        except Interrupted as error:
            return ended("interrupted", str(error), error.code)
        except Stopped:
            return ended("interrupted", "", Interrupted.exit_code)
        except DeTasksError as error:
            if self._stop.is_set():
                status = typed(f"status --name {job.name}")
                return ended("interrupted", f"How far it came: {status}", Interrupted.exit_code)
            return ended("failed", str(error), error.code, tuple(seen) or self._log(job, error))
        except Exception as error:
            # One app's surprise must not end the others.
            return ended("failed", f"{type(error).__name__}: {error}", 1)
        facts = done[0].facts if done else {}
        status = "live" if facts.get("live", True) else "built"
        status = status if facts.get("changed", True) else "unchanged"
        return ended(status, done[0].text if done else "", 0)

    def _log(self, job: Job, error: DeTasksError) -> tuple[str, ...]:
        if not isinstance(error, DeployFailed):
            return ()
        try:
            return job.last_lines()
        except DeTasksError as another:
            return (f"The log cannot be read: {another}",)

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """End what runs; a thread that waits for a server's answer is left to itself."""
        self._stop.set()
        deadline = time.monotonic() + END_SECONDS
        while any(t.is_alive() for t in threads) and time.monotonic() < deadline:
            Git.end_all()
            time.sleep(0.02)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C is not needed: what it asks for is being done."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _cut_off(job: Job, begun: dict[int, float]) -> Result:
    if id(job) not in begun:
        return Result(job, "not begun", code=Interrupted.exit_code)
    seconds = time.monotonic() - begun[id(job)]
    return Result(job, "interrupted", seconds, code=Interrupted.exit_code)


def exit_code(results: Sequence[Result]) -> int:
    """0 when nothing failed, the code of those that failed if they agree, else 1."""
    codes = {result.code for result in results if result.code}
    if Interrupted.exit_code in codes:
        return Interrupted.exit_code
    return codes.pop() if len(codes) == 1 else int(bool(codes))
