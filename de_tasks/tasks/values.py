"""What tasks return where the platform's own models do not say it: for Python, and for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from de_tasks.deployment.plan import Outcome
    from de_tasks.platform.models import App, Build
    from de_tasks.project.checks.findings import Finding


@dataclass(frozen=True)
class Account:
    """Who is logged in where; `admin` is None where the server does not say."""

    username: str
    admin: bool | None
    host: str


@dataclass(frozen=True)
class Existence:
    """Whether an app, or a service of a `type`, exists. True or false as it says."""

    name: str
    host: str
    exists: bool
    type: str = ""

    def __bool__(self) -> bool:
        return self.exists


@dataclass(frozen=True)
class Deletion:
    """An app that is gone, with names of its services: those deleted, those kept."""

    name: str
    host: str
    services: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Restart:
    """The types of process of an app that were restarted."""

    name: str
    host: str
    processes: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One setting that was changed: `what`, and in `text` how it was and is; no secret."""

    what: str
    text: str


@dataclass(frozen=True)
class Update:
    """What was changed about an app, and what was `set` already."""

    name: str
    changes: tuple[Change, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppService:
    """A database that was attached to an app, or deleted; `type` is redis or postgres."""

    service: str
    type: str
    app: str
    host: str


@dataclass(frozen=True)
class Difference:
    """What a deploy would change: `text` is as git writes it, empty for nothing."""

    name: str
    text: str

    @property
    def changed(self) -> bool:
        """Whether anything would change."""
        return bool(self.text)


@dataclass(frozen=True)
class Report:
    """The doctor's: each setting with its value and where that is from, and what was looked at."""

    settings: Mapping[str, tuple[object, str]]
    findings: tuple[Any, ...] = field(default=())


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
    return {name: None if given == "" else given for name, given in asdict(value).items()}


def finding_facts(found: Iterable[Finding]) -> list[dict[str, object]]:
    """What a check found."""
    return [finding.facts() for finding in found]


def outcome_facts(outcome: Outcome) -> dict[str, object]:
    """How a deploy ended."""
    known = facts(outcome)
    return {name: known[name] for name in ("name", "url", "sha", "changed", "files", "seconds")}


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
