"""The protocol that tasks speak; GraphQL is its first implementation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from de_tasks.api.models import App, Build, Changes, Details, LogPage, Refusal, Service, User


class Platform(Protocol):
    """A Dash Enterprise, in the field's words. Every method may raise `DeTasksError`s."""

    def whoami(self) -> User:
        """The caller."""

    def apps(self) -> Iterator[App]:
        """The apps that the caller manages."""

    def app(self, name: str) -> App | None:
        """One app; None when there is none, or the caller may not manage it."""

    def create_app(self, name: str) -> App:
        """Create an app. Raises `DeTasksError` when the name is taken."""

    def delete_app(self, name: str) -> None:
        """Delete an app."""

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        """The newest build, its log after a cursor; held up to `wait` s until it has ended."""

    def builds(self, name: str) -> Iterator[Build]:
        """The builds of an app, the newest first, without their logs."""

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        """Lines of a process, None when there is no such app."""

    def details(self, name: str) -> Details | None:
        """Everything that can be changed about an app, None when there is no such app."""

    def update(self, name: str, changes: Changes) -> list[Refusal]:
        """Change an app, all at once; returns what was refused, the rest is done."""

    def restart(self, name: str) -> tuple[str, ...]:
        """Restart an app; returns the processes that were restarted."""

    def services(self) -> list[Service]:
        """The services that the caller may manage."""

    def create_service(self, name: str, kind: str) -> None:
        """Create a service. Raises `DeTasksError` when the name is taken."""

    def link_service(self, app: str, name: str, kind: str) -> None:
        """Attach a service to an app."""

    def delete_service(self, name: str, kind: str) -> None:
        """Delete a service with its data; it may be attached to one app."""
