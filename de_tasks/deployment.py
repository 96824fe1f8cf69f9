"""A deploy from beginning to end: snapshot, push, follow the build, ask the app."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from de_tasks.api.models import FINISHED, App, Build
from de_tasks.api.platform import Platform
from de_tasks.errors import (
    DeployFailed,
    DeTasksError,
    Interrupted,
    NotFound,
    Temporary,
    UsageError,
)
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.git import Remote
from de_tasks.repo.snapshot import Files, Pushed, Snapshot, origin_trailers
from de_tasks.repo.source import Commit, describe
from de_tasks.spelling import typed
from de_tasks.transport import Transport, Unavailable

WAITS = (1, 1, 2, 3, 5, 8, 13)
WAITS_AFTER_CREATE = (2, 3, 5, 8, 13)
LONGEST_WAIT = 15
"""Seconds that each request waits for the build's end. So spaced, a deploy costs at most
17 points in any minute, with 5 points each for creating the app and for the push."""
LAST_LINES = 20
PERCENT = re.compile(r"^(Writing objects:\s+\d+%.*)$")


@dataclass(frozen=True)
class Event:
    """Something to tell: `kind` is plan, step, progress, log, wait or done; `facts` say the same
    to programs."""

    kind: str
    text: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be deployed where, by whom. `remote` gives the way to a git address;
    `trailers` are lines of the deploy's commit beside those that say where it came from."""

    name: str
    source: Path | Commit
    user: str
    host: str
    message: str
    remote: Callable[[str], Remote]
    confirm: Callable[[str], bool]
    timeout: int = 900
    dry_run: bool = False
    wait: bool = True
    overwrite: bool = True
    always_ask: bool = False
    trailers: tuple[str, ...] = ()


def check_folder(folder: Path) -> None:
    """Raise `UsageError` for a folder that cannot be deployed."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Name the app's folder with --path")
    if not any(folder.iterdir()):
        raise UsageError(f"{folder} is empty: there is nothing to deploy.")


class Deploy:
    """One deploy, as an iterator of events. Raises `DeployFailed` when the app does not come up.

    Where the server has our own last deploy, there is nothing to ask it: the push goes first,
    and its lease makes sure of it. In every other case the app is looked at before.
    """

    def __init__(
        self,
        plan: Plan,
        repository: DeployRepository,
        platform: Platform,
        tell: Callable[[Event], None],
    ) -> None:
        self._plan = plan
        self._repository = repository
        self._platform = platform
        self._tell = tell
        self._app: App | None = None
        self._created = False
        self._begun = self._since = time.monotonic()
        self._parts: dict[str, float] = {}
        # What an interrupt leaves behind, and what to type then.
        self._state = "Nothing was sent."

    def run(self) -> None:
        """Deploy, telling each step."""
        try:
            self._run()
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. {self._state}") from None

    def _run(self) -> None:
        plan = self._plan
        self._step(f"Deploying {plan.name} to {plan.host} as {plan.user}")
        with self._repository.snapshot(plan.source, self._step) as snapshot:
            origin = describe(plan.source)
            files = snapshot.files()
            self._tell(planned(files, origin))
            self._part("snapshot")
            if plan.dry_run:
                self._tell(Event("done", "Nothing was sent: this was a dry run."))
                return
            trailers = "\n".join((*plan.trailers, origin_trailers(origin)))
            message = f"{subject(plan, origin)}\n\n{trailers}"
            pushed = self._push(snapshot, files, message)
        self._part("push")
        if self._app and self._app.build and self._app.build.status == "built":
            if not pushed.changed:
                facts: dict[str, object] = {"url": self._app.url, "changed": False}
                words = f"Nothing has changed: {self._app.url} is up to date."
                self._tell(Event("done", words, facts))
                return
        self._step(f"Pushed as {pushed.sha[:7]}", sha=pushed.sha)
        watch = typed(f"logs --type build --follow --name {plan.name}")
        self._state = f"The build goes on, and the last good release serves. Watch it: {watch}"
        if not plan.wait:
            self._tell(Event("done", f"{plan.name} is being built. Watch it: {watch}"))
            return
        app = self._app or self._platform.app(plan.name)
        if app is None:
            raise NotFound(f"App [{plan.name}] was deleted from [{plan.host}] during the deploy.")
        self._wait(app, pushed.sha)

    def _push(self, snapshot: Snapshot, files: Files, message: str) -> Pushed:
        plan, last = self._plan, self._repository.last()
        status = typed(f"status --name {plan.name}")
        unsure = f"The push may have arrived: {status} tells. The last good release serves."
        if last and last.user == plan.user and not plan.always_ask:
            self._state = unsure
            remote = plan.remote(last.url)
            pushed = snapshot.put_again(last, remote, plan.user, message, self._progress)
            if pushed:
                return pushed
            self._state = "Nothing was sent."
        app = self._platform.app(plan.name)
        self._created = app is None
        self._app = app = self._agreed(app)
        if self._created:
            self._state = f"App {plan.name} was created, and nothing was deployed to it yet."
            self._step(f"App {plan.name} was initialized on [{plan.host}].")
        failed = bool(app.build and app.build.status == "failed")
        self._state = unsure
        remote = plan.remote(app.git_url)
        return snapshot.put(remote, plan.user, message, self._progress, again=failed)

    def _agreed(self, app: App | None) -> App:
        """The app to deploy to, when whoever asks for the deploy agrees with what it will do."""
        plan, question = self._plan, ""
        if app is None:
            question = f"{plan.name} does not exist on {plan.host}. Create it?"
        elif app.build and (app.build.author != plan.user or not app.build.ours):
            who = app.build.author or "somebody"
            when = f" at {app.build.queued_at[:19]} UTC" if app.build.queued_at else ""
            seen = f"{plan.name} was deployed by {who}{when}."
            if not plan.overwrite:
                raise DeTasksError(f"{seen} With --no-overwrite it stays as it is.")
            question = f"{seen} Overwrite?"
        elif plan.always_ask:
            question = f"Overwrite {plan.name} on {plan.host}?"
        if question and not plan.confirm(question):
            raise DeTasksError("Nothing was deployed.")
        return app or self._platform.create_app(plan.name)

    def _wait(self, app: App, sha: str) -> None:
        plan = self._plan
        deadline = self._begun + plan.timeout
        waits = WAITS_AFTER_CREATE if self._created else WAITS
        for line in follow(self._platform, plan.name, sha, waits, deadline):
            self._tell(Event("log", line))
        self._part("build")
        transport = Transport(plan.remote(app.git_url).ca_path)

        def waiting(seconds: float) -> None:
            words = f"Waiting for {app.url}: {seconds:.0f} s"
            self._tell(Event("progress", words, {"seconds": round(seconds, 1)}))

        try:
            wait_until_answers(app.url, transport, deadline, waiting)
        except DeployFailed:
            page = self._platform.runtime_log(plan.name, "web", LAST_LINES)
            for entry in page.lines if page else ():
                self._tell(Event("log", entry.text))
            raise
        self._part("start")
        total = time.monotonic() - self._begun
        spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self._parts.items())
        self._tell(
            Event(
                "done",
                f"{app.name} is live after {total:.1f} s ({spent}): {app.url}",
                {"url": app.url, "changed": True, "sha": sha, "seconds": round(total, 2)}
                | {"parts": {name: round(seconds, 2) for name, seconds in self._parts.items()}},
            )
        )

    def _step(self, text: str, **facts: object) -> None:
        self._tell(Event("step", text, facts))

    def _progress(self, line: str) -> None:
        match = PERCENT.match(line)
        if match:
            self._tell(Event("progress", match[1]))

    def _part(self, name: str) -> None:
        now = time.monotonic()
        self._parts[name] = now - self._since
        self._since = now


def planned(files: Files, origin: str) -> Event:
    """What is to be deployed: how many files, how big, and from which commit."""
    changed = "" if files.changed is None else f", {files.changed} changed since your last deploy"
    source = f", from {origin}" if origin else ""
    lines = [f"{files.count} files, {_megabytes(files.size)}{changed}{source}"]
    if files.largest:
        lines.append("The largest, which a .gitignore in the folder would leave out:")
        lines += [f"  {_megabytes(size):>9}  {name}" for name, size in files.largest]
    facts: dict[str, object] = {
        "files": files.count,
        "bytes": files.size,
        "changed": files.changed,
        "source": origin or None,
        "largest": [{"name": name, "bytes": size} for name, size in files.largest],
    }
    return Event("plan", "\n".join(lines), facts)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size / 1e3:.1f} kB"


def subject(plan: Plan, origin: str) -> str:
    """The message that the deploy is made with."""
    folder = "" if isinstance(plan.source, Commit) else plan.source.resolve().name
    return plan.message or f"Deploy {origin or folder}"


def follow(
    platform: Platform, name: str, sha: str, waits: Iterable[int], deadline: float
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
        f"The build of {name} has not finished in time. It goes on: "
        f"watch it: {typed(f'logs --type build --follow --name {name}')}"
    )


def _known(platform: Platform, name: str, sha: str) -> bool:
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
    transport: Transport,
    deadline: float,
    waiting: Callable[[float], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask the app's address until it answers. A sign-in page counts: the app is behind it."""
    begin = time.monotonic()
    while True:
        try:
            status = transport.request("GET", url).status_code
        except Unavailable:
            status = 503
        if status < 500:
            return
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"The app was built, but {url} answers {status}. Look at its log: {typed('logs')}"
            )
        waiting(time.monotonic() - begin)
        sleep(0.2)
