"""What can be set about a sandbox, with defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PLATFORM_HOST = "127.0.0.1"
APPS_HOST = "localhost"
"""Platform and apps are different hosts, hence different origins and cookie jars: a page of
an app can never act as the user who is signed in to the platform."""
AUTHORITY = "authority.pem"


@dataclass(frozen=True)
class ServerSettings:
    """Settings of one sandbox. Durations are seconds, sizes are bytes."""

    data: Path
    port: int = 8888
    """0 lets the system choose a free one; the file `running.json` then has its number."""
    access_token_seconds: int = 24 * 3600
    offline_token_seconds: int = 30 * 24 * 3600
    rate_limit_points: int = 600
    """Ten times what the platform allows: enough for one person working alone."""
    rate_limit_seconds: int = 60
    push_limit: int = 2 * 1024**3
    body_limit: int = 1024**3
    """Of a request to an app."""
    connections: int = 1000
    """At a time, or fewer where the system allows few open files; a further one gets 503."""
    install_timeout: int = 900
    """For the requirements of one build."""
    start_timeout: int = 60
    stop_grace: int = 10
    drain_grace: int = 30
    log_limit: int = 4 * 1024**2
    allow_mount: tuple[Path, ...] = ()
    tls: bool = False
    device_grant: bool = True
    sign_in_failures: int = 10
    """Wrong passwords and codes of a user in a window, and a fifth of those of an address."""
    sign_in_seconds: int = 60
    """Length of that window."""
    patience: int = 20
    """For a request's headers, and again for a form; and a third of what a body to an app or a
    push may pause."""
    as_version: int = 0
    """4 or 5: which files a build reads; the API is the same. 0 takes what the data directory
    remembers, else 5."""
    view_access: str = "restricted"
    """Viewer access of a new app: the safe one, as a slip should hide an app, not show it."""

    @property
    def url(self) -> str:
        """Origin of the platform: sign-in, API and git."""
        return f"{self._scheme}://{PLATFORM_HOST}:{self.port}"

    @property
    def apps_url(self) -> str:
        """Origin of the apps."""
        return f"{self._scheme}://{APPS_HOST}:{self.port}"

    @property
    def tls_folder(self) -> Path:
        """Where certificates and keys are, for a sandbox that serves TLS."""
        return self.data / "tls"

    @property
    def authority(self) -> Path | None:
        """The certificate of the sandbox's own authority, None where nobody needs one."""
        return self.tls_folder / AUTHORITY if self.tls else None

    @property
    def secure(self) -> bool:
        """Whether browsers come over TLS."""
        return self.tls

    @property
    def _scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def issuer(self) -> str:
        """The issuer of tokens, and the base of all sign-in addresses."""
        return f"{self.url}/auth/realms/dash"

    @property
    def openid(self) -> str:
        """The base of the OpenID endpoints, in Keycloak's layout."""
        return f"{self.issuer}/protocol/openid-connect"

    @property
    def signed_in_url(self) -> str:
        """Where the apps' host hears of a sign-in; no app can have this name."""
        return f"{self.apps_url}/-/signed-in"
