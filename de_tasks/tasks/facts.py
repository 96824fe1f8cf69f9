"""How what a task returns is written in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from de_tasks.deployment.events import Event
    from de_tasks.platform.models import App, Build, LogLine, People, Service
    from de_tasks.project.checks.findings import Finding


class Kept:
    """What comes one by one, to be used as it comes, and in the end all of it."""

    def __init__(self, found: Iterable[Any]) -> None:
        self._found = iter(found)
        self._seen: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        for one in self._found:
            self._seen.append(one)
            yield one

    def all(self) -> list[Any]:
        """All of it, also what nobody has used."""
        self._seen += self._found
        return self._seen


def facts(value: Any) -> dict[str, object]:
    """A dataclass's fields, as they are; what is empty in a text is not known."""
    from dataclasses import asdict

    return {name: None if given == "" else given for name, given in asdict(value).items()}


def or_text(make: Callable[[Any], dict[str, object]]) -> Callable[[Any], dict[str, object]]:
    """The same facts, or the text of what `de` printed in a form that is not documented."""

    def made(found: Any) -> dict[str, object]:
        from de_tasks.platform.models import Verbatim

        return {"text": found.text} if isinstance(found, Verbatim) else make(found)

    return made


def people_facts(people: People | None) -> dict[str, list[str]] | None:
    """Users and groups by name, None where the server does not tell."""
    return {"users": [*people.users], "groups": [*people.groups]} if people is not None else None


def service_facts(service: Service) -> dict[str, object]:
    """A database of apps."""
    from dataclasses import asdict

    return {**asdict(service), "created": utc(service.created) or ""}


def finding_facts(found: Iterable[Finding]) -> list[dict[str, object]]:
    """What a check found."""
    return [finding.facts() for finding in found]


def utc(time: str | None) -> str | None:
    """A time of the API with its zone, which it leaves out; None for one that is not known."""
    from datetime import datetime

    if not time:
        return None
    try:
        known = datetime.fromisoformat(time).tzinfo is not None or time.endswith(("Z", "z"))
    except ValueError:
        return time
    return time if known else f"{time}+00:00"


def event_facts(event: Event) -> dict[str, object]:
    """What of an event is more than its text."""
    time = event.facts.get("time")
    return {**event.facts, "time": utc(time)} if isinstance(time, str) else event.facts


def line_facts(line: LogLine) -> dict[str, object]:
    """A line of a log."""
    return {"time": utc(line.time) or "", "process": line.process, "text": line.text}


def app_facts(app: App) -> dict[str, object]:
    """How an app is doing."""
    return {
        "name": app.name,
        "owner": app.owner,
        "url": app.url,
        "running": app.running,
        "processes": list(app.processes),
        "states": [
            {
                "type": process.type,
                "state": process.state,
                "since": utc(process.since),
                "restarts": process.restarts,
                "last_exit": process.last_exit or None,
            }
            for process in app.states
        ],
        "serving": app.serving and {"number": int(app.serving.id), "commit": app.serving.sha},
        "build": app.build.status if app.build else None,
        "build_number": int(app.build.id) if app.build and app.build.id.isdigit() else None,
        "error": app.build.error if app.build else None,
        "commit": app.build.sha if app.build else None,
    }


def build_facts(build: Build) -> dict[str, object]:
    """A deploy of the past."""
    promoted = build.promoted
    return {
        "number": int(build.id),
        "queued": utc(build.queued_at) or "",
        "finished": utc(build.finished_at),
        "who": build.author,
        "status": build.status or None,
        "source": build.source or None,
        "lock": build.lock or None,
        "promoted": promoted
        and {"app": promoted.app, "number": int(promoted.build), "sha": promoted.sha},
        "message": build.subject,
        "error": build.error,
        "sha": build.sha,
    }
