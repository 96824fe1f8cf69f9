"""A deploy from beginning to end: snapshot, push, follow the build, ask the app."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.api.models import FINISHED, App, Build
from de_tasks.api.platform import Platform
from de_tasks.errors import DeployFailed, Temporary, UsageError
from de_tasks.repo.cache import DeployRepository, Remote
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
    """What is to be deployed where."""

    app: App
    folder: Path
    remote: Remote
    message: Callable[[], str]
    author: str
    created: bool = False


def check_folder(folder: Path) -> None:
    """Raise `UsageError` for a folder that cannot be deployed."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}. Name the app's folder with --path")
    if not any(folder.iterdir()):
        raise UsageError(f"{folder} is empty: there is nothing to deploy.")


def deploy(
    plan: Plan, repository: DeployRepository, platform: Platform, timeout: int
) -> Iterator[Event]:
    """Deploy, telling each step. Raises `DeployFailed` when the app does not come up."""
    begin = time.monotonic()
    deadline = begin + timeout
    pushed = repository.push(plan.folder, plan.remote, plan.message, plan.author)
    if not pushed.changed and plan.app.build and plan.app.build.status == "built":
        yield Event("done", f"Nothing has changed: {plan.app.url} is up to date.")
        return
    yield Event("step", f"Pushed {pushed.files} files as {pushed.sha[:7]}")
    yield from follow(platform, plan, pushed.sha, deadline)
    wait_until_answers(plan.app.url, Transport(plan.remote.ca_path), deadline)
    seconds = time.monotonic() - begin
    yield Event("done", f"{plan.app.name} is live after {seconds:.1f} s: {plan.app.url}")


def follow(platform: Platform, plan: Plan, sha: str, deadline: float) -> Iterator[Event]:
    """Follow the build of a commit to its end, its log as it comes."""
    name, after = plan.app.name, "0"
    waits = iter(WAITS_AFTER_CREATE if plan.created else WAITS)
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
        f"watch it with logs --type build --follow --name {name}"
    )


def _judge(build: Build, name: str) -> None:
    if build.status == "failed":
        reason = build.error or "The server gives no reason."
        raise DeployFailed(
            f"The build of {name} failed: {reason}\nThe whole log: logs --type build --name {name}"
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
                f"The app was built, but {url} answers {status}. Look at logs --type runtime"
            )
        sleep(0.2)
