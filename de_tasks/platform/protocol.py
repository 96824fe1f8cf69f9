"""What the client asks of a Dash Enterprise: by GraphQL, by version 4's API, or through `de`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from de_tasks.platform.access import Account, AppAccess
from de_tasks.platform.models import (
    SERVICE_TYPES,
    App,
    AppInfo,
    Build,
    Changes,
    Details,
    LogPage,
    RefusedChange,
    Service,
    User,
    Verbatim,
)


class DeployPlatform(Protocol):
    """What a deploy asks of a platform."""

    cancels: bool
    """Whether a build can be cancelled here."""

    def app(self, name: str) -> App | None:
        """One app; None when there is none, or the caller may not manage it."""

    def create_app(self, name: str) -> App:
        """Create an app. Raises `DeTasksError` when the name is taken."""

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        """The newest build, its log after a cursor; held up to `wait` s until it has ended."""

    def builds(self, name: str) -> Iterator[Build]:
        """The builds of an app, the newest first, without their logs."""

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        """Lines of a process, None when there is no such app."""


class Platform(DeployPlatform, Protocol):
    """A Dash Enterprise, in the field's words. Every method may raise `DeTasksError`s."""

    def whoami(self) -> User:
        """The caller."""

    def apps(self, dated: bool = False) -> Iterator[App]:
        """The apps that the caller manages; `dated` ones with the time of their creation."""

    def app(self, name: str, dated: bool = False) -> App | None:
        """One app, with the time of its creation if `dated`."""

    def delete_app(self, name: str, services: Sequence[Service] = ()) -> None:
        """Delete an app, and these services of it with their data."""

    def details(self, name: str) -> Details | None:
        """Everything that can be changed about an app, None when there is no such app."""

    def info(self, name: str) -> AppInfo | Verbatim:
        """The state and the general data of an app. Raises `NotFound` without the app."""

    def users(self, name: str) -> AppAccess | Verbatim:
        """Who owns, manages and may open an app. Raises `NotFound` without the app."""

    def thumbnail(self, details: Details) -> bytes | None:
        """The picture of an app, None when it has none."""

    def update(self, name: str, changes: Changes) -> list[RefusedChange]:
        """Change an app, all at once; returns what was refused, the rest is done."""

    def transfer(self, name: str, username: str) -> App | Verbatim:
        """Give an app to another owner. Raises `NotPermitted` for who is no admin."""

    def restart(self, name: str) -> tuple[str, ...]:
        """Restart an app; returns the processes that were restarted."""

    def cancel_build(self, name: str, number: str = "") -> Build:
        """Cancel a build of an app, by default its newest that has not ended; returns it.

        Raises `DeTasksError` for one that has ended, `NotFound` for one that is not there.
        """

    def access(self, everything: bool = False) -> Iterator[AppAccess]:
        """Who has to do with the apps that the caller manages, or with all, for admins."""

    def account(self, username: str) -> Account | None:
        """A user, None when there is none. Raises `NotPermitted` where only admins may ask."""

    def services(self) -> list[Service]:
        """The services that the caller may manage."""

    def attached(self, app: str, kinds: Sequence[str] = SERVICE_TYPES) -> list[Service]:
        """The services of an app, of these types. Raises `NotFound` without the app."""

    def attach_service(self, app: str, kind: str, name: str = "") -> str:
        """Create a service and attach it to an app, going on where an earlier try was cut off.

        Returns its name, which is `<app>-<kind>` unless another one is given. Raises
        `DeTasksError` when the app has one of the type, or the name is taken.
        """

    def update_service(self, app: str, kind: str, memory: str | None) -> Service | Verbatim:
        """Set the most memory of an app's service, such as `512Mi`; None lifts the limit.

        Raises `NotFound` where the app has no service of the type, `UsageError` for what is no
        amount of memory.
        """

    def delete_service(self, app: str, kind: str) -> str:
        """Delete the service of an app with its data; returns its name.

        Raises `NotFound` when there is none, `DeTasksError` while another app is attached.
        """
