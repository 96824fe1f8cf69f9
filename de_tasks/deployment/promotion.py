"""Promoting: what serves as one app becomes the next deploy of another one."""

from __future__ import annotations

from dataclasses import dataclass

from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.platform.models import App, Build, Promoted
from de_tasks.platform.no_such_app import no_such_app
from de_tasks.platform.protocol import Platform


@dataclass(frozen=True)
class Promotion:
    """Which build of which app goes to the app `name`, and what is there now, None for nothing."""

    source: App
    build: Build
    name: str
    target: App | None

    @property
    def subject(self) -> str:
        """What the deploy is called."""
        return f"Promote {self.source.name} build {self.build.id}: {self.build.subject}"

    @property
    def trailers(self) -> tuple[str, ...]:
        """What the deploy's commit says of where it is from."""
        promoted = Promoted(self.source.name, self.build.id, self.build.sha).trailer()
        return (promoted, *([f"De-Source: {self.build.source}"] if self.build.source else []))


@dataclass(frozen=True)
class Differing:
    """Names of variables that only one of two apps has; values are not compared."""

    only_there: tuple[str, ...]
    only_here: tuple[str, ...]


def find(platform: Platform, source: str, name: str, host: str) -> Promotion:
    """What serves as the app `source`, to be promoted to `name`.

    Raises `UsageError` for the same app, `NotFound` for one that is not there or was never
    deployed, `DeTasksError` where nothing of it serves.
    """
    if source == name:
        raise UsageError(f"{name} cannot be promoted to itself: name another app with --name.")
    app = platform.app(source)
    if app is None:
        raise no_such_app(source, host)
    if app.build is None:
        raise NotFound(f"{source} has not been deployed: there is nothing to promote.")
    if app.live is None:
        raise DeTasksError(
            f"No build of {source} is serving: its last build is {app.build.status}. "
            "Promote it once a build has succeeded."
        )
    return Promotion(app, app.live, name, platform.app(name))


def differing(platform: Platform, promotion: Promotion) -> Differing:
    """The variables of the two apps, by name."""
    there = platform.details(promotion.source.name)
    here = platform.details(promotion.name) if promotion.target else None
    theirs, ours = (set(found.variables) if found else set() for found in (there, here))
    return Differing(tuple(sorted(theirs - ours)), tuple(sorted(ours - theirs)))
