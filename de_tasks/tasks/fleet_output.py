"""How a fleet stands, as a table and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.config.files import top
from de_tasks.config.paths import inside
from de_tasks.tasks.ages import age
from de_tasks.tasks.facts import utc
from de_tasks.terminal import console, style
from de_tasks.terminal.style import Part

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.health import AppHealth
HEADS = ("NAME", "BUILD", "COMMIT", "AGE", "HEALTH", "NOT DEPLOYED")
BUILD_FOR_PROGRAMS = "RELEASE"
"""What programs read stays as it is."""
LOOKS = {True: "done", False: "failed", None: "detail"}
"""Of what is known of an app's health."""


def show(apps: Sequence[AppHealth]) -> None:
    """The table; it names the hosts where there are several."""
    heads = [*HEADS]
    if not style.for_people():
        heads[1] = BUILD_FOR_PROGRAMS
    rows: list[list[Part]] = [list(_row(seen)) for seen in apps]
    for row, seen in zip(rows, apps, strict=True):
        row[0] = (seen.app.name, "name")
        row[4] = (seen.health, LOOKS[seen.healthy])
    if len({seen.host for seen in apps}) > 1:
        heads.insert(1, "HOST")
        for row, seen in zip(rows, apps, strict=True):
            row.insert(1, seen.host)
    console.table(heads, rows)


def facts(seen: AppHealth) -> dict[str, object]:
    """The same for programs."""
    release, latest, what = seen.release, seen.latest, seen.undeployed
    return {
        "name": seen.app.name,
        "host": seen.host,
        "exists": seen.there,
        "release": int(release.id) if release and release.id.isdigit() else None,
        "commit": release.source if release else None,
        "sha": release.sha if release else None,
        "since": utc(release.finished_at or release.queued_at) if release else None,
        "build": latest.status if latest else None,
        "url": seen.url or None,
        "health": seen.health,
        "healthy": seen.healthy,
        "undeployed": None if what is None else [_short(file) for file in what.files],
        "commits": None if what is None else what.commits,
        "why": seen.why or None,
    }


def _row(seen: AppHealth) -> tuple[str, ...]:
    release, latest = seen.release, seen.latest
    words = [_undeployed(seen)] if not seen.why else [seen.why]
    if latest and release and latest.id != release.id:
        words.append(f"build {latest.id} is {latest.status}")
    text = "; ".join(filter(None, words)) or "-"
    if release is None:
        return (seen.app.name, "-", "-", "-", seen.health, text)
    return (
        seen.app.name,
        release.id or "-",
        release.source.partition(" ")[0] or release.sha[:10] or "-",
        age(release.finished_at or release.queued_at),
        seen.health,
        text,
    )


def _undeployed(seen: AppHealth) -> str:
    what = seen.undeployed
    if not what or not what.files:
        return ""
    files = f"{len(what.files)} file{'' if len(what.files) == 1 else 's'}"
    commits = f" in {what.commits} commit{'' if what.commits == 1 else 's'}"
    return files + (commits if what.commits else "")


def _short(path: Path) -> str:
    return inside(path, Path(top()))
