"""Rolling back: an earlier deploy's files as a new deploy on top of the present one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from de_tasks.api.models import App, Build
from de_tasks.api.platform import Platform
from de_tasks.deployment import WAITS, Event, follow, wait_until_answers
from de_tasks.errors import Interrupted, NotFound
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.git import Remote
from de_tasks.repo.snapshot import origin_trailers
from de_tasks.spelling import typed
from de_tasks.transport import Transport

LOOKED_AT = 200
"""Deploys that are searched for the one to go back to."""


@dataclass(frozen=True)
class Back:
    """What is to be put back where, by whom."""

    app: App
    target: Build
    user: str
    remote: Remote


def find_target(platform: Platform, name: str, number: str) -> Build:
    """The deploy of that number, else the last good one before the present release.

    Raises `NotFound` when there is none.
    """
    found = list(islice(platform.builds(name), LOOKED_AT))
    good = [build for build in found if build.status == "built"]
    if number:
        for build in good:
            if build.id == number:
                return build
        numbers = ", ".join(build.id for build in good) or "none"
        raise NotFound(f"App {name} has no good deploy {number}. It has: {numbers}.")
    # After a failed deploy the newest good one serves still: going back means the one before.
    if len(good) < 2:
        raise NotFound(f"App {name} has no earlier good deploy to go back to.")
    return good[1]


def roll_back(
    back: Back,
    repository: DeployRepository,
    platform: Platform,
    tell: Callable[[Event], None],
    timeout: int,
) -> None:
    """Put it back, telling each step. Raises `DeployFailed` when it does not come up."""
    name, target = back.app.name, back.target
    begin = time.monotonic()
    tell(Event("step", f"Putting deploy {target.id} of {name} back: {target.subject}"))
    source = f"\nDe-Source: {target.source}" if target.source else ""
    message = f"Roll back to deploy {target.id}: {target.subject}\n{source}\n{origin_trailers('')}"
    try:
        sha = repository.put_back(target.sha, back.remote, back.user, message)
        tell(Event("step", f"Pushed as {sha[:7]}", {"sha": sha}))
        deadline = begin + timeout
        for line in follow(platform, name, sha, WAITS, deadline):
            tell(Event("log", line))
        wait_until_answers(
            back.app.url, Transport(back.remote.ca_path), deadline, lambda seconds: None
        )
    except KeyboardInterrupt:
        status = typed(f"status --name {name}")
        raise Interrupted(f"Interrupted. How far it came: {status}") from None
    seconds = time.monotonic() - begin
    now = back.app.build
    undo = typed(f"rollback --name {name} --to {now.id}") if now and now.status == "built" else ""
    facts: dict[str, object] = {"url": back.app.url, "sha": sha, "seconds": round(seconds, 2)}
    words = f"{name} is back at deploy {target.id} after {seconds:.1f} s: {back.app.url}"
    tell(Event("done", words, facts))
    if undo:
        tell(Event("step", f"To undo this: {undo}"))
