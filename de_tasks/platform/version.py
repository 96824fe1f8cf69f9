"""Which version of Dash Enterprise a host is: it decides what a build reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from de_tasks.config.host import Host
from de_tasks.errors import DeTasksError, UsageError

if TYPE_CHECKING:
    from de_tasks.auth.store import Store
    from de_tasks.config.settings import Settings


def version_of(values: Settings, kept: Store | None, host: str = "") -> int:
    """4 or 5, highest first:

    1. `de.version`
    2. what the host was found to be when it was last used; without a `host`, that of the settings
       or of the last login
    3. 5, which customers run today
    """
    from de_tasks.appspec import DEFAULT_VERSION

    if values.version:
        return values.version
    if kept is None:
        return DEFAULT_VERSION
    try:
        name = host or values.host or kept.last_host()
        named = Host.parse(name, insecure_http=True).name if name else ""
        return kept.version(named) or DEFAULT_VERSION
    except UsageError:
        # A file that cannot be read is the business of what needs the login.
        return DEFAULT_VERSION


def remember(kept: Store | None, host: str, version: int) -> None:
    """Keep what a host was found to be, where that can be kept."""
    if kept is None:
        return
    try:
        kept.remember_version(host, version)
    except (OSError, DeTasksError):
        # It is found again the next time.
        return
