"""What git sees: an environment of our own making, and the way to a remote.

Nothing of a hook's `GIT_*` variables reaches it (they would redirect it into the developer's
index), nothing of the user's configuration but proxy and certificates (filters, hooks,
insteadOf and excludes would change what is sent), and no secret stands in argv, URL or file:
credentials travel in `GIT_CONFIG_*` variables.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt

T = TypeVar("T")
CONFIG = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.trustctime": "true",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    # Unset, these two are files in the user's home, whatever GIT_CONFIG_GLOBAL says.
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    # Larger files go into a pack in pieces and never come into memory as a whole.
    "core.bigFileThreshold": "16m",
    # What is mapped of a large pack counts as memory.
    "core.packedGitWindowSize": "1m",
    "core.packedGitLimit": "32m",
    # The repository can be made again: waiting for the disk would protect nothing.
    "core.fsync": "none",
    "credential.helper": "",
    "http.followRedirects": "false",
    # A checkout in a container often belongs to another user; git only reads objects there.
    "safe.directory": "*",
}
KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "PATHEXT"),
    *(n for v in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for n in (v, v.upper())),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
KEPT_SETTINGS = (
    r"^http\.(.+\.)?(proxy|proxyauthmethod|proxyssl[a-z]+|ssl(cainfo|capath|cert|key|backend)"
    r"|sslcertpasswordprotected|schannel[a-z]+|version)$"
)
"""The user's settings that say how to reach a server, in `git config --get-regexp`'s words."""


class Caller(Protocol):
    """Whom the server sees: see `auth.caller.Account`."""

    @property
    def seconds(self) -> float:
        """How long a first attempt may take."""
        ...

    def header(self) -> str:
        """The value of the Authorization header."""
        ...

    def act(self, function: Callable[[Attempt, Spending], T], points: int = 0) -> T:
        """Call under the retry policy, within the points that there are."""
        ...


@dataclass(frozen=True)
class Remote:
    """Where to push, and as whom."""

    url: str
    branch: str
    caller: Caller
    ca_path: str = ""

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"


def kept_variables() -> dict[str, str]:
    """What git gets of our own environment."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}


def environment(
    variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """The environment of a git command that has these variables and settings besides."""
    pairs = [*CONFIG.items(), *config]
    made = kept_variables() | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # Reading the developer's repository must not refresh its index.
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C.UTF-8",
        **variables,
        "GIT_CONFIG_COUNT": str(len(pairs)),
    }
    for number, (key, value) in enumerate(pairs):
        made[f"GIT_CONFIG_KEY_{number}"] = key
        made[f"GIT_CONFIG_VALUE_{number}"] = value
    return made


def remote_settings(remote: Remote) -> list[tuple[str, str]]:
    """Settings for talking to a remote: the user's way to it, and who is talking."""
    key = f"http.{remote.url}.extraHeader"
    return [
        *_users_settings(),
        (key, f"Authorization: {remote.caller.header()}"),
        # RFC 7240: we follow the build through the API; the push need not wait for it.
        (key, "Prefer: respond-async"),
    ]


@functools.cache
def _users_settings() -> tuple[tuple[str, str], ...]:
    xdg = {n: os.environ[n] for n in ("XDG_CONFIG_HOME",) if n in os.environ}
    done = subprocess.run(
        ["git", "config", "--null", "--get-regexp", KEPT_SETTINGS],
        # No repository: what one says about the network is meant for its own remotes.
        env=kept_variables() | xdg | {"GIT_DIR": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    entries = (entry.partition("\n") for entry in done.stdout.split("\0") if entry)
    return tuple((key, value) for key, _, value in entries)
