"""What the platform tells, in frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field

FINISHED = ("built", "failed")
NEVER_DEPLOYED = "This app has not been deployed and has no previous builds."


@dataclass(frozen=True)
class User:
    """The caller."""

    username: str
    is_admin: bool


@dataclass(frozen=True)
class LogLine:
    """A line of a log; `time` is UTC as the API writes it."""

    time: str
    process: str
    text: str


@dataclass(frozen=True)
class LogPage:
    """Lines of a log; `next` is where to go on."""

    lines: tuple[LogLine, ...] = ()
    next: str = "0"


@dataclass(frozen=True)
class Build:
    """A build; `status` is queued, building, built or failed."""

    id: str
    status: str
    sha: str
    message: str
    author: str
    queued_at: str
    finished_at: str | None = None
    error: str | None = None
    log: LogPage = field(default_factory=LogPage)


@dataclass(frozen=True)
class App:
    """An app that the caller manages."""

    name: str
    owner: str
    url: str
    git_url: str
    running: bool
    processes: tuple[str, ...] = ()
    build: Build | None = None
