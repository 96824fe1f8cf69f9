"""Which way leads to a host: the platform API, or the vendor's command line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.errors import UsageError
from de_tasks.net.http import Transport, Unavailable
from de_tasks.platform.de.command import install

WAYS = ("auto", "api", "de")


@dataclass(frozen=True)
class Way:
    """`through` is `api` or `de`; `why` says what decided it."""

    through: str
    why: str


def choose(values: Settings, host: Host, transport: Transport) -> Way:
    """The way to a host, highest first:

    1. `de.platform`, unless it is `auto`
    2. an API key: the published API of version 4
    3. a host that is a URL: a sandbox
    4. `de.version: 4`: the API
    5. a sign-in service at the place of version 5: `de`
    6. the API

    Raises `UsageError` for a version 5 host without `de`.
    """
    if values.platform not in WAYS:
        raise UsageError(f"de.platform is {', '.join(WAYS)}, not {values.platform!r}.")
    if values.platform != "auto":
        return Way(values.platform, "de.platform says so")
    if values.api_key:
        return Way("api", "an API key is set")
    if "://" in host.name:
        return Way("api", "its address is a URL, as a sandbox's is")
    if values.version == 4:
        return Way("api", "de.version is 4")
    if not _signs_in_like_version_5(host, transport):
        return Way("api", "it is not a Dash Enterprise 5")
    if shutil.which(values.executable) is None:
        raise UsageError(
            f"{host.name} is a Dash Enterprise 5, whose API is reached through `de` alone, and "
            f"{values.executable} is not there.\n{install(host)}"
        )
    return Way("de", "it is a Dash Enterprise 5")


def _signs_in_like_version_5(host: Host, transport: Transport) -> bool:
    address = f"{host.issuer}/.well-known/openid-configuration"
    try:
        found = transport.request("GET", address).json()
    except (Unavailable, ValueError):
        return False
    return isinstance(found, dict) and "token_endpoint" in found
