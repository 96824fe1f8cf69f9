"""A login as it is kept: who, where, and the tokens."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    """A login at one host. `expires` is the access token's, in seconds since 1970.

    `refresh_token` is empty where the server gives none. `ca_path` is the certificate file that
    the host was logged in to with, empty for the system's own certificates.
    """

    host: str
    username: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires: float
    ca_path: str = ""
