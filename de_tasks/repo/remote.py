"""Where a deploy is pushed to, as whom, and by which settings of the user git gets there."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from de_tasks.repo.environment import kept_variables

if TYPE_CHECKING:
    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt

T = TypeVar("T")
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
    from de_tasks.repo.git import Git

    # No repository: what one says about the network is meant for its own remotes.
    git = Git(None, environment=_users)
    done = git.run("config", "--null", "--get-regexp", KEPT_SETTINGS)
    entries = (entry.partition("\n") for entry in done.stdout.split("\0") if entry)
    return tuple((key, value) for key, _, value in entries)


def _users(variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    xdg = {n: os.environ[n] for n in ("XDG_CONFIG_HOME",) if n in os.environ}
    return kept_variables() | xdg | {"GIT_DIR": os.devnull}
