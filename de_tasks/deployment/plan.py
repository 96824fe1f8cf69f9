"""What is to be deployed where, and how a deploy ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from de_tasks.deployment.checked import Check
from de_tasks.platform.models import Build
from de_tasks.repo.remote import Remote
from de_tasks.repo.snapshot import origin_trailers
from de_tasks.repo.source import Commit, Deployed


@dataclass(frozen=True)
class Plan:
    """What is to be deployed where, by whom. `remote` gives the way to a git address, `confirm`
    answers a question; `again` builds anew where nothing has changed; `trailers` are lines of
    the deploy's commit beside those that say where it came from. `check` is what is looked for
    before, None for nothing. `origin` is where the app's name is from, empty when that is
    obvious. `prepare` is done once all is agreed, before anything is sent."""

    name: str
    source: Path | Commit | Deployed
    user: str
    host: str
    message: str
    remote: Callable[[str], Remote]
    confirm: Callable[[str], bool]
    timeout: int = 900
    dry_run: bool = False
    wait: bool = True
    overwrite: bool = True
    always_ask: bool = False
    again: bool = False
    trailers: tuple[str, ...] = ()
    check: Check | None = None
    origin: str = ""
    prepare: Callable[[], None] | None = None

    @property
    def title(self) -> str:
        """The app, with where its name is from when that is not obvious."""
        return f"{self.name} (app of {self.origin})" if self.origin else self.name

    def message_from(self, origin: str, more: tuple[str, ...] = ()) -> str:
        """The message of the deploy's commit, made from files of `origin`, with `more` trailers."""
        trailers = "\n".join((*self.trailers, *more, origin_trailers(origin)))
        return f"{self.subject_from(origin)}\n\n{trailers}"

    def subject_from(self, origin: str) -> str:
        """What the deploy is called: its message, else where it comes from."""
        folder = self.source.resolve().name if isinstance(self.source, Path) else ""
        return self.message or f"Deploy {origin or folder}"

    def message_through_de(self, origin: str, more: tuple[str, ...] = ()) -> str:
        """The message for `de`, which makes the commit: where it came from `de` says itself."""
        trailers = "\n".join((*self.trailers, *more))
        return "\n\n".join(filter(None, (self.subject_from(origin), trailers)))


@dataclass(frozen=True)
class Outcome:
    """How a deploy ended. `sha` is None after a dry run, `url` empty where nobody asked for it;
    `changed` says whether anything was sent, `files` how many of what was there before differ
    (None: nothing was there); `parts` has the seconds of each part."""

    name: str
    sha: str | None
    url: str = ""
    changed: bool = False
    files: int | None = None
    seconds: float = 0.0
    parts: dict[str, float] | None = None


def foreign(build: Build, user: str) -> bool:
    """Whether a deploy is not this user's own, made with this tool."""
    return build.author != user or not build.ours


class ReadyDeploy(Protocol):
    """A deploy that is ready to run."""

    def run(self) -> Outcome:
        """Deploy. Raises an error of the tree when it fails."""
