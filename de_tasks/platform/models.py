"""What the platform tells, in frozen dataclasses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

FINISHED = ("built", "failed", "cancelled")
UNSUCCESSFUL = ("failed", "cancelled")
UNTOLD = ""
"""The status of an earlier build whose end the server does not tell."""
NEVER_DEPLOYED = "This app has not been deployed and has no previous builds."


@dataclass(frozen=True)
class User:
    """The caller; `is_admin` is None where the server does not tell."""

    username: str
    is_admin: bool | None


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
class Promoted:
    """A build of another app whose files a deploy has taken; `sha` is its commit there."""

    TRAILER: ClassVar = "De-Promoted"
    FORM: ClassVar = re.compile(r"(\S+) build (\d+) ([0-9a-f]+)")

    app: str
    build: str
    sha: str

    def trailer(self) -> str:
        """The line of the deploy's message that says so."""
        return f"{self.TRAILER}: {self.app} build {self.build} {self.sha}"


@dataclass(frozen=True)
class Build:
    """A build; `status` is queued, building, built, failed or cancelled, or `UNTOLD`."""

    id: str
    status: str
    sha: str
    message: str
    author: str
    queued_at: str
    finished_at: str | None = None
    error: str | None = None
    log: LogPage = field(default_factory=LogPage)

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def queued(self) -> str:
        """When it was asked for, in UTC and to the second; empty where that is not known."""
        return self.queued_at[:19].replace("T", " ")

    @property
    def source(self) -> str:
        """The commit that was deployed, as the deploy's trailer says; else empty."""
        return self._trailer("De-Source")

    @property
    def promoted(self) -> Promoted | None:
        """What the deploy promoted, as its trailer says; None where it is no promotion."""
        found = Promoted.FORM.fullmatch(self._trailer(Promoted.TRAILER))
        return Promoted(*found.groups()) if found else None

    @property
    def lock(self) -> str:
        """The lock that the requirements are from, with the beginning of its SHA-256, as the
        deploy's trailer says; else empty."""
        return self._trailer("De-Lock")

    @property
    def ours(self) -> bool:
        """Whether this tool made the deploy."""
        return bool(self._trailer("De-From"))

    @property
    def preview(self) -> str:
        """The branch that the deploy is the preview of, as its trailer says; else empty."""
        return self._trailer("De-Preview")

    def _trailer(self, name: str) -> str:
        lines = [line for line in self.message.splitlines() if line.startswith(f"{name}: ")]
        return lines[-1].partition(": ")[2] if lines else ""


@dataclass(frozen=True)
class Process:
    """The processes of a type, as the worst of them is doing.

    `state` is starting, running, crashing, exited or stopped; `since` is UTC as the API writes it,
    `restarts` counts since the release began, and `last_exit` says how one last ended. What the
    server does not tell is empty.
    """

    type: str
    state: str
    since: str = ""
    restarts: int = 0
    last_exit: str = ""

    @property
    def failing(self) -> bool:
        """Whether it ends when it should not."""
        return self.state in ("crashing", "exited")

    def words(self) -> str:
        """How it is doing: `crashing (2 restarts, exited with status 1)`."""
        more = [f"{self.restarts} restart{'' if self.restarts == 1 else 's'}"] * (self.restarts > 0)
        more += [self.last_exit] if self.last_exit and self.failing else []
        return f"{self.state} ({', '.join(more)})" if more else self.state


@dataclass(frozen=True)
class App:
    """An app that the caller manages; what the server does not tell is empty, `running` None."""

    name: str
    owner: str
    url: str
    git_url: str
    running: bool | None
    processes: tuple[str, ...] = ()
    build: Build | None = None
    tags: tuple[str, ...] = ()
    created: str = ""
    """UTC as the API writes it; empty unless it was asked for."""
    problem: str = ""
    """Why the app does not run as it should, where the server tells."""
    states: tuple[Process, ...] = ()
    """How each type of process is doing; empty where the server does not tell."""
    serving: Build | None = None
    """What serves, where the server tells: another build where a later one failed."""

    @property
    def live(self) -> Build | None:
        """What serves, as far as the server tells: it, or the last build where that was built."""
        built = self.build if self.build and self.build.status == "built" else None
        return self.serving or built

    @property
    def behind(self) -> Build | None:
        """What serves where that is not the last build."""
        other = self.serving and self.build and self.serving.id != self.build.id
        return self.serving if other else None


ACCESS_LEVELS = ("restricted", "authenticated", "unauthenticated")
SERVICE_TYPES = ("redis", "postgres")


@dataclass(frozen=True)
class People:
    """Users and groups of users."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)


@dataclass(frozen=True)
class Service:
    """A database that is linked to `apps`; `kind` is redis or postgres.

    `memory` is the most that its data may take, such as `512Mi`; None where no limit is known.
    """

    name: str
    kind: str
    created: str
    status: str
    apps: tuple[str, ...] = ()
    memory: str | None = None


@dataclass(frozen=True)
class Mount:
    """A folder of the server, `host`, that an app finds at `target` in its own."""

    host: str
    target: str


@dataclass(frozen=True)
class Details:
    """What can be changed about an app; None for what is not told."""

    title: str
    description: str
    tags: tuple[str, ...]
    view_access: str
    visible_on_portal: bool
    portal_rank: int
    maintainer_email: str
    persistent_filesystem: bool | None
    thumbnail_url: str
    viewers: People
    co_owners: People | None
    variables: dict[str, str] = field(repr=False)
    """The app's own variables with their values, which are never printed."""
    platform_variables: dict[str, str] = field(repr=False)
    services: tuple[Service, ...]
    scale: dict[str, int] = field(default_factory=dict)
    """How many processes of each type there are; empty where the app's own file says so."""
    mounts: tuple[Mount, ...] = ()
    python_version: str | None = None
    """The minor version that builds are made with; empty for the server's own, None where the
    server does not tell."""


@dataclass(frozen=True)
class AppInfo:
    """An app with everything that can be changed about it."""

    app: App
    details: Details


@dataclass(frozen=True)
class Verbatim:
    """What a program of the vendor's printed, in a form that is not documented."""

    text: str


@dataclass(frozen=True)
class Changes:
    """Changes of an app: None and empty leave things as they are.

    `tags` are all tags that it is to have; `add_tags` and `remove_tags` say the same as a change.
    """

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    view_access: str | None = None
    visible_on_portal: bool | None = None
    portal_rank: int | None = None
    maintainer_email: str | None = None
    persistent_filesystem: bool | None = None
    python_version: str | None = None
    """A minor version, such as `3.11`, from the next build on; empty for the server's own."""
    thumbnail: bytes | None = field(default=None, repr=False)
    add_viewers: People = People()
    remove_viewers: People = People()
    add_co_owners: People = People()
    remove_co_owners: People = People()
    set_variables: dict[str, str] = field(default_factory=dict, repr=False)
    remove_variables: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    scale: dict[str, int] = field(default_factory=dict)
    add_mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True)
class RefusedChange:
    """A part of a change that the platform refused; `kind` is the error's class."""

    what: str
    error: Exception
