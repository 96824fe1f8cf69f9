"""How each app of a fleet stands: what serves, since when, does it answer, what is not deployed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from de_tasks.deployment.answers import Answer, answer_of
from de_tasks.deployment.fleets.apps import FleetApp
from de_tasks.errors import DeTasksError
from de_tasks.net.http import Transport, Unavailable
from de_tasks.platform.models import App, Build
from de_tasks.platform.protocol import DeployPlatform
from de_tasks.repo.changes import Undeployed, undeployed

ASKED_AT_ONCE = 8
LOOKED_AT = 20
"""Builds that are searched for the last good one."""
SOURCE = re.compile(r"([0-9a-f]{7,64})(-dirty)?\b")
ANSWER_SECONDS = 10.0
HEALTH: dict[Answer, tuple[str, bool | None]] = {
    Answer.APP: ("ok", True),
    Answer.RUNNING: ("runs behind sign-in", True),
    Answer.DOWN: ("does not run", False),
    Answer.UNKNOWN: ("asks to sign in", None),
}


@dataclass(frozen=True)
class AppHealth:
    """The health of an app: `release` is the build that serves, `latest` the newest one; `healthy`
    is None for an app that nothing was deployed to, or that a sign-in hides. `undeployed` is None
    where it cannot be told, and `why` says why."""

    app: FleetApp
    host: str
    there: bool
    release: Build | None = None
    latest: Build | None = None
    url: str = ""
    health: str = "-"
    healthy: bool | None = None
    undeployed: Undeployed | None = None
    why: str = ""


@dataclass(frozen=True)
class Subject:
    """An app to look at, where it is, and the way there."""

    app: FleetApp
    host: str
    platform: DeployPlatform
    transport: Transport


def look(asked: Sequence[Subject]) -> list[AppHealth]:
    """Look at all apps, several at once."""
    with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
        return list(threads.map(_look, asked))


def _look(asked: Subject) -> AppHealth:
    found = asked.platform.app(asked.app.name)
    if found is None or found.build is None:
        why = "is not deployed" if found else "does not exist"
        return AppHealth(asked.app, asked.host, found is not None, why=why)
    release = _release(asked.platform, found)
    health, healthy = _health(found, asked.transport) if release else ("-", None)
    what, why = _undeployed(asked.app, release) if release else (None, "no build has succeeded")
    return AppHealth(
        app=asked.app,
        host=asked.host,
        there=True,
        release=release,
        latest=found.build,
        url=found.url,
        health=health,
        healthy=healthy,
        undeployed=what,
        why=why,
    )


def _release(platform: DeployPlatform, app: App) -> Build | None:
    if app.build and app.build.status == "built":
        return app.build
    good = (b for b in islice(platform.builds(app.name), LOOKED_AT) if b.status == "built")
    return next(good, None)


def _health(app: App, transport: Transport) -> tuple[str, bool | None]:
    """Asking an app costs no points. Of one behind a sign-in the platform has said if it runs."""
    try:
        seen = transport.glance(transport.trusted(app.url), ANSWER_SECONDS)
    except Unavailable:
        return "no answer", False
    except DeTasksError:
        return "cannot be asked", False
    if seen.status >= 500:
        return f"answers {seen.status}", False
    return HEALTH[answer_of(seen, app.url, app.running)]


def _undeployed(app: FleetApp, release: Build) -> tuple[Undeployed | None, str]:
    source = SOURCE.match(release.source)
    if not source:
        return None, "unknown: it was not deployed from a commit"
    if source[2]:
        return None, "unknown: it was deployed with uncommitted changes"
    try:
        return undeployed(app.folder, source[1], (app.folder, *app.shared)), ""
    except DeTasksError as error:
        return None, f"unknown: {error}"
