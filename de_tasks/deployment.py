"""A deploy from beginning to end: snapshot, push, follow the build, ask the app."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.api.models import FINISHED, App, Build
from de_tasks.api.platform import Platform
from de_tasks.errors import DeployFailed, DeTasksError, NotFound, Temporary, UsageError
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.git import Remote
from de_tasks.repo.source import Commit, describe
from de_tasks.spelling import typed
from de_tasks.transport import Transport, Unavailable

WAITS = (1, 1, 2, 3, 5, 8, 13)
WAITS_AFTER_CREATE = (2, 3, 5, 8, 13)
LONGEST_WAIT = 15
"""Seconds that each request waits for the build's end. So spaced, a deploy costs at most
12 points in any minute, with the 5 points of creating the app."""


@dataclass(frozen=True)
class Event:
    """Something to tell: `kind` is `step`, `log` or `done`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What is to be deployed where, by whom. `remote` gives the way to a git address."""

    name: str
    source: Path | Commit
    user: str
    host: str
    message: str
    remote: Callable[[str], Remote]
    confirm: Callable[[str], bool]


def check_folder(folder: Path) -> None:
    """Raise `UsageError` for a folder that cannot be deployed."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Name the app's folder with --path")
    if not any(folder.iterdir()):
        raise UsageError(f"{folder} is empty: there is nothing to deploy.")


def deploy(
    plan: Plan, repository: DeployRepository, platform: Platform, timeout: int
) -> Iterator[Event]:
    """Deploy, telling each step. Raises `DeployFailed` when the app does not come up.

    Where the server has our own last deploy, there is nothing to ask it: the push goes first,
    and its lease makes sure of it. In every other case the app is looked at before.
    """
    begin = time.monotonic()
    deadline = begin + timeout
    yield Event("step", f"Deploying {plan.name} to {plan.host} as {plan.user}")
    app, created, pushed = None, False, None
    with repository.snapshot(plan.source, lambda: _message(plan)) as snapshot:
        last = repository.last()
        if last and last.user == plan.user:
            pushed = snapshot.put_again(last, plan.remote(last.url), plan.user)
        if pushed is None:
            # A folder that cannot be deployed is refused before an app is made for it.
            snapshot.wait()
            app = platform.app(plan.name)
            created = app is None
            app = _agreed(plan, app, platform)
            if created:
                yield Event("step", f"App {plan.name} was initialized on [{plan.host}].")
            failed = bool(app.build and app.build.status == "failed")
            pushed = snapshot.put(plan.remote(app.git_url), plan.user, again=failed)
    if app and app.build and app.build.status == "built" and not pushed.changed:
        yield Event("done", f"Nothing has changed: {app.url} is up to date.")
        return
    yield Event("step", f"Pushed {pushed.files} files as {pushed.sha[:7]}")
    app = app or platform.app(plan.name)
    if app is None:
        raise NotFound(f"App [{plan.name}] was deleted from [{plan.host}] during the deploy.")
    waits = WAITS_AFTER_CREATE if created else WAITS
    yield from follow(platform, plan.name, pushed.sha, waits, deadline)
    wait_until_answers(app.url, Transport(plan.remote(app.git_url).ca_path), deadline)
    seconds = time.monotonic() - begin
    yield Event("done", f"{app.name} is live after {seconds:.1f} s: {app.url}")


def _agreed(plan: Plan, app: App | None, platform: Platform) -> App:
    """The app to deploy to, when whoever asks for the deploy agrees with what it will do."""
    question = ""
    if app is None:
        question = f"{plan.name} does not exist on {plan.host}. Create it?"
    elif app.build and app.build.author != plan.user:
        who = app.build.author or "somebody"
        question = f"{plan.name} was deployed by {who} at {app.build.queued_at}. Overwrite?"
    if question and not plan.confirm(question):
        raise DeTasksError("Nothing was deployed.")
    return app or platform.create_app(plan.name)


def _message(plan: Plan) -> str:
    origin = describe(plan.source)
    folder = "" if isinstance(plan.source, Commit) else plan.source.resolve().name
    subject = plan.message or f"Deploy {origin or folder}"
    return f"{subject}\n\nDe-Source: {origin}" if origin else subject


def follow(
    platform: Platform, name: str, sha: str, waits: Iterable[int], deadline: float
) -> Iterator[Event]:
    """Follow the build of a commit to its end, its log as it comes."""
    after, waits = "0", iter(waits)
    while time.monotonic() < deadline:
        wait = next(waits, LONGEST_WAIT)
        asked = time.monotonic()
        build = platform.build(name, after=after, wait=wait, count=1000)
        if build and build.sha == sha:
            yield from (Event("log", line.text) for line in build.log.lines)
            after = build.log.next
            if build.status in FINISHED:
                return _judge(build, name)
        # A server that answers early must not make us spend points faster.
        time.sleep(max(0.0, wait - (time.monotonic() - asked)))
    raise Temporary(
        f"The build of {name} has not finished in time. It goes on: "
        f"watch it: {typed(f'logs --type build --follow --name {name}')}"
    )


def _judge(build: Build, name: str) -> None:
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
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask the app's address until it answers. A sign-in page counts: the app is behind it."""
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
        sleep(0.2)
