"""Rolling back: an earlier deploy's files as a new deploy on top of the present one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from de_tasks.deployment.events import Event
from de_tasks.deployment.plan import Outcome
from de_tasks.deployment.watch import see_through
from de_tasks.errors import Interrupted, NotFound
from de_tasks.net.http import Transport
from de_tasks.platform.models import UNTOLD, App, Build
from de_tasks.platform.protocol import Platform
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.errors import Moved
from de_tasks.repo.remote import Remote
from de_tasks.repo.snapshot import Push, Pushed, Snapshot, origin_trailers
from de_tasks.repo.source import Deployed
from de_tasks.terminal.commands import typed

LOOKED_AT = 200
"""Deploys that are searched for the one to go back to."""


@dataclass(frozen=True)
class RollbackTarget:
    """The deploy to go back to, and the one that serves now."""

    build: Build
    present: Build | None


@dataclass(frozen=True)
class Rollback:
    """What is to be put back where, by whom."""

    app: App
    target: RollbackTarget
    user: str
    remote: Remote


def find_target(platform: Platform, name: str, number: str) -> RollbackTarget:
    """The deploy of that number, else the last good one before the present release.

    Raises `NotFound` when there is none.
    """
    found = islice(platform.builds(name), LOOKED_AT)
    # Which earlier ones were built not every server tells: then whoever asks knows it.
    good = [build for build in found if build.status in ("built", UNTOLD)]
    present = good[0] if good else None
    if number:
        for build in good:
            if build.id == number:
                return RollbackTarget(build, present)
        numbers = ", ".join(build.id for build in good[:20]) or "none"
        raise NotFound(f"App {name} has no good build {number}. It has: {numbers}.")
    # After a failed deploy the newest good one serves still: going back means the one before.
    if len(good) < 2:
        serves = f": build {good[0].id}, the only good one, serves" if good else ""
        raise NotFound(f"App {name} has no earlier good build to go back to{serves}.")
    return RollbackTarget(good[1], present)


def roll_back(
    back: Rollback,
    repository: DeployRepository,
    platform: Platform,
    tell: Callable[[Event], None],
    timeout: int,
) -> Outcome:
    """Put it back, telling each step. Raises `DeployFailed` when it does not come up."""
    name, target = back.app.name, back.target.build
    begin = time.monotonic()
    words = f"Rolling {name} back to build {target.id}: {target.subject}"
    tell(Event("step", words, {"app": name}))
    source = f"\nDe-Source: {target.source}" if target.source else ""
    message = f"Roll back to build {target.id}: {target.subject}\n{source}\n{origin_trailers('')}"

    def step(text: str) -> None:
        tell(Event("step", text))

    try:
        push = Push(back.remote, back.user, message, lambda line: None)
        with repository.snapshot(Deployed(target.sha, back.remote), step) as snapshot:
            pushed = _put(snapshot, push, back.app, platform)
        tell(Event("step", f"Sent {pushed.sha[:7]}", {"sha": pushed.sha}))
        transport = Transport(back.remote.ca_path, back.remote.trusted)
        deadline = begin + timeout
        see_through(
            platform=platform,
            name=name,
            sha=pushed.sha,
            transport=transport,
            tell=tell,
            deadline=deadline,
            app=back.app,
        )
    except KeyboardInterrupt:
        status = typed(f"status --name {name}")
        raise Interrupted(
            f"Interrupted. The last good build serves. How far it came: {status}"
        ) from None
    seconds = time.monotonic() - begin
    words = f"{name} is back at build {target.id} after {seconds:.1f} s: {back.app.url}"
    now = back.target.present
    undo = typed(f"rollback --name {name} --to {now.id}") if now else ""
    facts: dict[str, object] = {
        "url": back.app.url,
        "sha": pushed.sha,
        "files": pushed.files,
        "seconds": round(seconds, 2),
        "undo": undo or None,
    }
    tell(Event("done", words, facts))
    if undo:
        tell(Event("step", f"To undo this: {undo}"))
    return Outcome(
        name=name,
        sha=pushed.sha,
        url=back.app.url,
        changed=True,
        files=pushed.files,
        seconds=seconds,
    )


def _put(snapshot: Snapshot, push: Push, seen: App, platform: Platform) -> Pushed:
    """Push on top of what was there when the question was asked. Raises `Moved`."""
    try:
        return snapshot.put(push, again=True, expected=seen.build.sha if seen.build else None)
    except Moved:
        now = platform.app(seen.name)
        if now and now.build != seen.build:
            raise
        # No deploy of anybody explains what is there: a push of which no build was made.
        return snapshot.put(push, again=True)
