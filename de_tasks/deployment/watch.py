"""What comes after a push: the build to its end, then the app until it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from de_tasks.deployment.events import Event
from de_tasks.errors import DeployFailed, NotFound, Temporary
from de_tasks.net.http import READ_SECONDS, Transport, Unavailable
from de_tasks.platform.models import FINISHED, App, Build, Process
from de_tasks.platform.protocol import DeployPlatform
from de_tasks.terminal.commands import typed

WAITS = (1, 1, 2, 3, 5, 8, 13)
WAITS_AFTER_CREATE = (2, 3, 5, 8, 13)
LONGEST_WAIT = 15
"""Seconds that each request waits for the build's end. So spaced, a deploy costs at most
17 points in any minute, with 5 points each for creating the app and for the push."""
LEAST_SECONDS = 1.0
"""For an app to answer, however late it is."""
WEB = "web"
SECOND_LOOK = 1.0
"""Seconds until a process that has not ended yet is looked at again."""
LAST_LINES = 20
"""Lines of its log that are shown of an app which does not come up."""


def see_through(
    platform: DeployPlatform,
    name: str,
    sha: str,
    transport: Transport,
    tell: Callable[[Event], None],
    deadline: float,
    app: App | None = None,
    waits: Iterable[int] = WAITS,
    built: Callable[[], None] = lambda: None,
) -> App:
    """Tell the build of a commit to its end, then wait until the app answers; returns the app.

    `built` is called in between. Raises `DeployFailed` when the build fails or the app does not
    come up, whose last words are told then.
    """
    for line in follow(platform, name, sha, waits, deadline):
        tell(Event("log", line))
    built()
    before, app = app, app or platform.app(name)
    if app is None:
        raise NotFound(f"App {name} was deleted during the deploy.")
    url = app.url

    def waiting(seconds: float) -> None:
        words = f"Waiting for {url}: {seconds:.0f} s"
        tell(Event("progress", words, {"seconds": round(seconds, 1)}))

    try:
        wait_until_answers(url, name, transport, deadline, waiting)
    except DeployFailed:
        page = platform.runtime_log(name, "web", LAST_LINES)
        for entry in page.lines if page else ():
            tell(Event("log", entry.text))
        raise
    # What was known before the build may have had no process at all yet.
    if app.processes != (WEB,):
        for process in ended(platform, name, None if before else app):
            tell(_warning(process, name))
    return app


def ended(
    platform: DeployPlatform,
    name: str,
    app: App | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Process]:
    """The processes but web that have ended already, as far as the server tells.

    They are started after web; `app` is what was told a moment ago, if anything.
    """
    for wait in (0.0, SECOND_LOOK):
        sleep(wait)
        app = (None if wait else app) or platform.app(name)
        others = [process for process in app.states if process.type != WEB] if app else []
        found = [process for process in others if process.failing]
        if found or not others:
            return found
    return []


def _warning(process: Process, name: str) -> Event:
    log = typed(f"logs --process-name {process.type} --name {name}")
    words = f"The process {process.type} has already ended: {process.last_exit or process.state}."
    facts = {"process": process.type, "state": process.state, "last_exit": process.last_exit}
    return Event("step", f"{words} Its log: {log}", {**facts})


def follow(
    platform: DeployPlatform, name: str, sha: str, waits: Iterable[int], deadline: float
) -> Iterator[str]:
    """The log of a commit's build as it comes, to the build's end.

    Raises `DeployFailed` when the build fails or gives way to a newer one, `Temporary` when it
    has not ended at the deadline.
    """
    after, waits, looks = "0", iter(waits), 0
    while time.monotonic() < deadline:
        wait = next(waits, LONGEST_WAIT)
        asked = time.monotonic()
        build = platform.build(name, after=after, wait=wait, count=1000)
        # Version 4 tells the commit of what runs alone, and answers a push when it is built.
        if build and build.sha in (sha, ""):
            yield from (line.text for line in build.log.lines)
            after = build.log.next
            if build.status in FINISHED:
                return judge(build, name)
        elif build and (looks := looks + 1) > 1 and _known(platform, name, sha):
            raise DeployFailed(
                f"{build.author or 'Somebody'} has deployed {name} after you. "
                f"How your build ended: {typed(f'history --name {name}')}"
            )
        # A server that answers early must not make us spend points faster.
        time.sleep(max(0.0, wait - (time.monotonic() - asked)))
    raise Temporary(
        f"The build of {name} has not finished in time, and goes on. "
        f"Watch it: {typed(f'logs --type build --follow --name {name}')}"
    )


def _known(platform: DeployPlatform, name: str, sha: str) -> bool:
    """Whether there is a build of the commit, so that a newest one of another came after it."""
    return any(build.sha == sha for build in islice(platform.builds(name), 20))


def judge(build: Build, name: str) -> None:
    """Raise `DeployFailed` with the reason for a build that has failed."""
    if build.status == "failed":
        reason = build.error or "The server gives no reason."
        raise DeployFailed(
            f"The build of {name} failed: {reason}\n"
            f"The whole log: {typed(f'logs --type build --name {name}')}"
        )


def wait_until_answers(
    url: str,
    name: str,
    transport: Transport,
    deadline: float,
    waiting: Callable[[float], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask the app's address until it answers. A sign-in page counts: the app is behind it."""
    transport.trusted(url)
    begin = time.monotonic()
    while True:
        try:
            left = max(LEAST_SECONDS, deadline - time.monotonic())
            status = transport.status(url, min(READ_SECONDS, left))
            seen = f"answers {status}"
        except Unavailable as error:
            status, seen = 503, f"is not there: {str(error).partition('.')[0]}"
        if status < 500:
            return
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"{name} was built, but {url} {seen}. The whole log: {typed(f'logs --name {name}')}"
            )
        waiting(time.monotonic() - begin)
        sleep(0.2)
