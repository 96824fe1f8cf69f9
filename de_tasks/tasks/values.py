"""What tasks return where the platform's own models do not say it.

Loaded by the task that returns it: to make the classes takes longer than all else at the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from de_tasks.deployment.previews.mark import Preview
    from de_tasks.deployment.settings.apply import Compared
    from de_tasks.errors import DeTasksError
    from de_tasks.platform.diagnosis import Diagnosis
    from de_tasks.project.scaffold.files import File
    from de_tasks.server.control import Running


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
class PlannedSettings:
    """What an app has, compared with what is listed for it; or why it could not be."""

    name: str
    compared: Compared | None = None
    error: DeTasksError | None = None


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
    findings: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """What a folder lacked: its files, `written` unless it was a dry run, words about the rest, and
    kinds of databases that the app wants."""

    app: str
    template: str
    ci: str
    files: tuple[File, ...]
    words: tuple[str, ...]
    services: tuple[str, ...]
    written: bool


@dataclass(frozen=True)
class Pruned:
    """A preview that has outlived its use, why, and whether it is gone."""

    preview: Preview
    reason: str
    deleted: bool


@dataclass(frozen=True)
class Logout:
    """Where a login was forgotten, None where there was none; `ended` whether the server ended it,
    None where it was not asked."""

    host: str | None
    ended: bool | None = None


@dataclass(frozen=True)
class SandboxUser:
    """A user of a sandbox who was made; `password` is empty where it was given."""

    username: str
    role: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class SandboxState:
    """How a sandbox stands; `running` is None where none answers."""

    data: Path
    running: Running | None
