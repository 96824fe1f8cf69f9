"""What can be set about a sandbox, with defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PLATFORM_HOST = "127.0.0.1"
APPS_HOST = "localhost"
"""Platform and apps are different hosts, hence different origins and cookie jars: a page of
an app can never act as the user who is signed in to the platform."""


@dataclass(frozen=True)
class ServerSettings:
    """Settings of one sandbox. Durations are seconds, sizes are bytes."""

    data: Path
    port: int = 8888
    access_token_seconds: int = 24 * 3600
    offline_token_seconds: int = 30 * 24 * 3600
    rate_limit_points: int = 60
    rate_limit_seconds: int = 60
    push_limit: int = 2 * 1024**3
    start_timeout: int = 60
    stop_grace: int = 10
    drain_grace: int = 30
    log_limit: int = 4 * 1024**2
    allow_mount: tuple[Path, ...] = ()

    @property
    def url(self) -> str:
        """Origin of the platform: sign-in, API and git."""
        return f"http://{PLATFORM_HOST}:{self.port}"

    @property
    def apps_url(self) -> str:
        """Origin of the apps."""
        return f"http://{APPS_HOST}:{self.port}"
