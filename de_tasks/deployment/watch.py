"""What comes after a push: the build to its end, then the app until it answers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from de_tasks.deployment.answers import Answer, answer_of, asks_to_sign_in, running
from de_tasks.deployment.events import Event
from de_tasks.errors import DeployFailed, NotAvailable, NotFound, Temporary
from de_tasks.health import causes
from de_tasks.health.readiness import GIVEN_UP_AFTER, Errors
from de_tasks.net.http import READ_SECONDS, Transport, Unavailable
from de_tasks.platform.models import FINISHED, App, Build, LogLine, Process
from de_tasks.platform.protocol import DeployPlatform
from de_tasks.terminal.abridged import Abridged
from de_tasks.terminal.commands import typed

WAITS = (1, 1, 2, 3, 5, 8, 13)
WAITS_AFTER_CREATE = (2, 3, 5, 8, 13)
LONGEST_WAIT = 15
"""Seconds that each request waits for the build's end. So spaced, a deploy costs at most
17 points in any minute, with 5 points each for creating the app and for the push; a look at an
app behind a sign-in is one more."""
LEAST_SECONDS = 1.0
"""For an app to answer, however late it is."""
WEB = "web"
SECOND_LOOK = 1.0
"""Seconds until a process that has not ended yet is looked at again."""
LAST_LINES = 20
"""Lines of its log that are shown of an app which does not come up."""
SEARCHED_LINES = 1000
"""Lines of a log in which the cause is looked for."""
STARTING, STARTS = "-----> Starting web", "[sandbox] starting build"
"""Where the build's log, and that of the web process, begins to tell of the start."""
SAID = {
    Answer.RUNNING: "{} is up; visitors sign in first.",
    Answer.UNKNOWN: "{} shows a sign-in page first; whether the app runs behind it is not known.",
}
"""What is known of an app behind a sign-in."""


class NotUp(DeployFailed):
    """The app was built, and does not answer."""


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
) -> tuple[App, Answer]:
    """Tell the build of a commit to its end, then wait until the app answers; returns the app, and
    who has answered for it.

    `built` is called in between. Raises `DeployFailed` when the build fails or the app does not
    come up, whose last words are told then.
    """

    def queued(words: str) -> None:
        tell(Event("progress", words))

    for line in follow(platform, name, sha, waits, deadline, queued):
        tell(Event("log", line.text, {"time": line.time or None}))
    built()
    before, app = app, app or platform.app(name)
    if app is None:
        raise NotFound(f"App {name} was deleted during the deploy.")
    url = app.url

    def waiting(seconds: float, status: int) -> None:
        so_far = f", answers {status} so far" if status else ""
        words = f"Waiting for {url}: {seconds:.0f} s{so_far}"
        tell(Event("progress", words, {"seconds": round(seconds, 1), "answers": status or None}))

    def runs() -> bool | None:
        return running(platform, name)

    try:
        answer = wait_until_answers(url, name, transport, deadline, waiting, runs)
    except NotUp as error:
        page = platform.runtime_log(name, "web", SEARCHED_LINES)
        lines = [entry.text for entry in page.lines] if page else []
        for text in _last(lines):
            tell(Event("log", text))
        raise _not_up(name, error, lines) from None
    if answer is not Answer.APP:
        tell(Event("step", SAID[answer].format(name)))
    # What was known before the build may have had no process at all yet.
    if app.processes != (WEB,):
        for process in ended(platform, name, None if before else app):
            tell(_warning(process, name))
    return app, answer


def _last(lines: Sequence[str]) -> Sequence[str]:
    """The end of an app's log; the frames of libraries in it are not counted."""
    shown = Abridged()
    kept = [i for i, text in enumerate(lines) if shown.keeps(text)]
    return lines[kept[-LAST_LINES] :] if len(kept) > LAST_LINES else lines


def _not_up(name: str, error: NotUp, lines: Sequence[str]) -> DeployFailed:
    """The failure of an app that was built and does not answer, with the cause in its log."""
    starts = [i for i, text in enumerate(lines) if text.startswith(STARTS)]
    cause = causes.exception(lines[starts[-1] :] if starts else lines)
    seen = f"{error}: {cause}{_remedy(name, cause)}" if cause else f"{error}."
    return DeployFailed(
        f"{name} was built, but does not answer. The whole log: {typed(f'logs --name {name}')}\n"
        + seen
    )


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
    platform: DeployPlatform,
    name: str,
    sha: str,
    waits: Iterable[int],
    deadline: float,
    queued: Callable[[str], None] = lambda words: None,
) -> Iterator[LogLine]:
    """The log of a commit's build as it comes, to the build's end; `queued` hears what it waits
    for while it has none.

    Raises `DeployFailed` when the build fails or gives way to a newer one, `Temporary` when it
    has not ended at the deadline.
    """
    after, waits, looks = "0", iter(waits), 0
    lines = deque[str](maxlen=SEARCHED_LINES)
    while time.monotonic() < deadline:
        wait = next(waits, LONGEST_WAIT)
        asked = time.monotonic()
        build = platform.build(name, after=after, wait=wait, count=1000)
        # Version 4 tells the commit of what runs alone, and answers a push when it is built.
        if build and build.sha in (sha, ""):
            lines += (line.text for line in build.log.lines)
            yield from build.log.lines
            after = build.log.next
            if build.status in FINISHED:
                return judge(build, name, lines)
            if build.status == "queued" and not lines:
                queued(f"Waiting for the turn of build {build.id}".strip())
        elif build and (looks := looks + 1) > 1 and _known(platform, name, sha):
            raise DeployFailed(
                f"{build.author or 'Somebody'} has deployed {name} after you. "
                f"How your build ended: {typed(f'history --name {name}')}"
            )
        elif build and build.status not in FINISHED:
            # The server has the commit, and makes a build of it when this one has ended.
            queued(f"Waiting for build {build.id} of {name} to end")
        # A server that answers early must not make us spend points faster.
        time.sleep(max(0.0, wait - (time.monotonic() - asked)))
    raise Temporary(
        f"The build of {name} has not finished in time, and goes on. "
        f"Watch it: {typed(f'logs --type build --follow --name {name}')}"
    )


def _known(platform: DeployPlatform, name: str, sha: str) -> bool:
    """Whether there is a build of the commit, so that a newest one of another came after it."""
    try:
        return any(build.sha == sha for build in islice(platform.builds(name), 20))
    except NotAvailable:
        # Version 4 answers a push when it is built: what runs now came after it.
        return True


def judge(build: Build, name: str, lines: Sequence[str] = ()) -> None:
    """Raise `DeployFailed` for a build that has failed or was cancelled; its last line is the
    cause: what the server says, else what the `lines` of the build's log do."""
    if build.status == "cancelled":
        said = build.error or f"{f'Build {build.id}' if build.id else 'The build'} was cancelled."
        raise DeployFailed(f"{name} was not deployed. {_whole_log(name)}\n{said}")
    if build.status != "failed":
        return
    booted = any(STARTING in line for line in lines)
    what = f"{name} was built, but did not start." if booted else f"The build of {name} failed."
    cause = build.error or causes.of_build(lines)
    raise DeployFailed(
        f"{what} {_whole_log(name)}\n{cause or 'The server gives no reason.'}{_remedy(name, cause)}"
    )


def _whole_log(name: str) -> str:
    return f"The whole log: {typed(f'logs --type build --name {name}')}"


def _remedy(name: str, cause: str) -> str:
    """What attaches the database whose address a cause names, or sets the variable."""
    stop = "" if cause.endswith(".") else "."
    if kind := causes.database(cause):
        return f"{stop} Database? {typed(f'services.create --type {kind} --app-name {name}')}"
    if key := causes.variable(cause):
        return f"{stop} Set it: {typed(f'variables.set {key} --name {name}')}"
    return ""


def wait_until_answers(
    url: str,
    name: str,
    transport: Transport,
    deadline: float,
    waiting: Callable[[float, int], None],
    runs: Callable[[], bool | None],
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask the app's address until it answers; returns who has answered.

    A sign-in stands before what it does not show: `runs` says whether the app runs, as far as the
    platform tells; `waiting` hears for how many seconds this goes on, and which server error the
    app answers with, 0 for none. Raises `NotUp` at the deadline, and before that for an error that
    lasts (`readiness`).
    """
    transport.trusted(url)
    begin, pauses, errors = time.monotonic(), iter(WAITS), Errors()
    while True:
        pause = 0.2
        try:
            left = max(LEAST_SECONDS, deadline - time.monotonic())
            glance = transport.glance(url, min(READ_SECONDS, left))
            seen = f"{url} answers {glance.status}"
            errors.saw(glance.status if glance.status >= 500 else 0)
            if glance.status < 500:
                # Each look costs a point, where asking the app costs none.
                known = runs() if asks_to_sign_in(glance, url) else True
                if (answer := answer_of(glance, url, known)) is not Answer.DOWN:
                    return answer
                seen = f"{url} asks to sign in, and the platform says that {name} does not run"
                pause = next(pauses, LONGEST_WAIT)
        except Unavailable as error:
            errors.saw(0)
            seen = f"{url} is not there: {str(error).partition('. ')[0].rstrip('.')}"
        if time.monotonic() > deadline:
            raise NotUp(seen)
        if errors.final:
            raise NotUp(f"{seen} for {GIVEN_UP_AFTER:.0f} s")
        waiting(time.monotonic() - begin, errors.status)
        sleep(pause)
