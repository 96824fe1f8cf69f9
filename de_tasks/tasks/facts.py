"""How what a task returns is written in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from de_tasks.platform.models import App, Build
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


def finding_facts(found: Iterable[Finding]) -> list[dict[str, object]]:
    """What a check found."""
    return [finding.facts() for finding in found]


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
                "since": process.since or None,
                "restarts": process.restarts,
                "last_exit": process.last_exit or None,
            }
            for process in app.states
        ],
        "serving": app.serving and {"number": int(app.serving.id), "commit": app.serving.sha},
        "build": app.build.status if app.build else None,
        "error": app.build.error if app.build else None,
        "commit": app.build.sha if app.build else None,
    }


def build_facts(build: Build) -> dict[str, object]:
    """A deploy of the past."""
    return {
        "number": int(build.id),
        "queued": build.queued_at,
        "finished": build.finished_at,
        "who": build.author,
        "status": build.status,
        "source": build.source or None,
        "message": build.subject,
        "error": build.error,
        "sha": build.sha,
    }
