"""How an app is doing, and how all are: in lines that programs may read, and at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from de_tasks.tasks.ages import UNKNOWN, age, ago
from de_tasks.terminal import console, style
from de_tasks.terminal.commands import typed
from de_tasks.terminal.style import Part

if TYPE_CHECKING:
    from de_tasks.platform.models import App, Build, Process

LOOKS = {"running": "done", "crashing": "failed", "exited": "failed", "starting": "look"}
"""Of a process's state; all others are detail."""


def show(app: App, host: str) -> None:
    """One app."""
    if style.for_people():
        _at_a_glance(app)
    else:
        _in_lines(app, host)


def show_all(apps: Iterable[App]) -> None:
    """A table of apps, as they come."""
    if not style.for_people():
        rows = ((app.name, _build_cell(app), app.owner, app.url) for app in apps)
        console.table(("NAME", "BUILD", "OWNER", "ADDRESS"), rows)
        return
    none = f"You have no apps here yet. Deploy one: {typed('deploy')}"
    heads = ("NAME", "STATE", "SERVES", "LATEST", "DEPLOYED", "OWNER", "ADDRESS")
    console.table(heads, map(_row, apps), none)


def _in_lines(app: App, host: str) -> None:
    owner = f", owned by {app.owner}" if app.owner else ""
    console.result(f"{app.name} on {host}{owner}")
    if app.behind:
        console.result(f"  serves     {app.behind.id}: {app.behind.subject}")
    if app.build:
        words = f"{app.build.id}, {app.build.status}: {app.build.subject}"
        console.result(f"  build      {words if app.build.id else app.build.status}")
        if app.build.error:
            console.result(f"  failed     {app.build.error}")
    else:
        console.result("  build      none: the app has not been deployed")
    if app.running is not None:
        if app.states:
            shown = "; ".join(f"{process.type} {process.words()}" for process in app.states)
        else:
            state = "running" if app.running else "not running"
            shown = f"{', '.join(app.processes) or 'none'} ({state})"
        console.result(f"  processes  {shown}")
    if app.problem:
        console.result(f"  problem    {app.problem}")
    console.result(f"  address    {app.url}")


def _at_a_glance(app: App) -> None:
    word, look = state(app)
    sign: Part = (style.mark("on"), look)
    console.line((app.name, "name"), "  ", sign, f" {word}  ", (app.url, "name"), out=True)
    serves = app.live
    if serves:
        _fact("serves", *_told(serves))
    if app.build and (serves is None or app.build.id != serves.id):
        latest = " ".join(filter(None, ("build", app.build.id, _stands(app.build))))
        about = app.build.error or app.build.subject
        look = "failed" if app.build.error else "look"
        _fact("latest", (latest, look), f": {about}" if about else "")
    if app.build is None:
        _fact("serves", ("nothing: the app has not been deployed", "detail"))
    for at, process in enumerate(app.states):
        _fact("" if at else "processes", *_process(process))
    if app.processes and not app.states:
        _fact("processes", ", ".join(app.processes))
    if app.problem:
        _fact("problem", (app.problem, "failed"))
    if app.owner:
        _fact("owner", app.owner)


def _stands(build: Build) -> str:
    """How a build ended, and when; what has not ended tells how long it has been asked for."""
    if not build.queued_at:  # Neither version 4 nor `de` tells more than the status.
        return build.status
    if build.status == "building":
        return f"building, queued {ago(build.queued_at)}"
    return f"{build.status} {ago(build.finished_at or build.queued_at)}"


def _fact(name: str, *parts: Part) -> None:
    console.line((f"  {name:<11}", "detail"), *parts, out=True)


def _told(build: Build) -> tuple[Part, ...]:
    source = build.source and f"from {build.source}"
    told = (build.subject, source, build.author, build.queued_at and ago(build.queued_at))
    about = ", ".join(filter(None, told))
    what: Part = (f"build {build.id}", "name") if build.id else (build.status, "done")
    return what, f" {about}" if about else ""


def _process(process: Process) -> tuple[Part, ...]:
    up = f" for {age(process.since)}" if age(process.since) != UNKNOWN else ""
    looks = LOOKS.get(process.state, "detail")
    more = process.words().removeprefix(process.state)
    return f"{process.type} ", (process.state, looks), f"{more}{up if not more else ''}"


def state(app: App) -> tuple[str, str]:
    """How an app is doing in a word, and its style."""
    failing = next((process for process in app.states if process.failing), None)
    if app.build is None:
        return "not deployed", "detail"
    if app.running is None:
        return "unknown", "detail"
    if not app.running:
        return "not running", "failed"
    return (f"{failing.type} {failing.state}", "failed") if failing else ("running", "done")


def _row(app: App) -> tuple[Part, ...]:
    serves = app.live
    build, latest = app.build, (UNKNOWN, "detail")
    if build and (serves is None or build.id != serves.id):
        latest = (
            f"{build.id} {build.status}".strip(),
            "failed" if build.status == "failed" else "look",
        )
    return (
        (app.name, "name"),
        state(app),
        (serves.id or UNKNOWN) if serves else UNKNOWN,
        latest,
        ago(serves.queued_at) if serves else UNKNOWN,
        app.owner,
        app.url,
    )


def _build_cell(app: App) -> str:
    if app.build is None:
        return "not deployed"
    if app.behind is None:
        return app.build.status
    return f"{app.build.status}; serves build {app.behind.id}"
