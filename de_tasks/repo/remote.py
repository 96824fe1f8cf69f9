"""Where a deploy is pushed to, as whom, and by which settings of the user git gets there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from de_tasks.config.host import on_this_machine
from de_tasks.repo.user_settings import network

if TYPE_CHECKING:
    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt

T = TypeVar("T")


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
    """Where to push, and as whom. `trusted` is the host's word on other addresses, such as an
    app's: see `Transport`. `protocol` is the newest version of git's protocol that it speaks."""

    url: str
    branch: str
    caller: Caller
    ca_path: str = ""
    trusted: Callable[[str], str] = field(default=lambda address: address, compare=False)
    protocol: int = 2

    @property
    def ref(self) -> str:
        """The full name of the branch."""
        return f"refs/heads/{self.branch}"


def remote_settings(remote: Remote) -> list[tuple[str, str]]:
    """Settings for talking to a remote: the user's way to it, and who is talking."""
    key = f"http.{remote.url}.extraHeader"
    # The address in full: no setting of the user's is closer to it.
    direct = [(f"http.{remote.url}.proxy", "")] if on_this_machine(remote.url) else []
    older = [] if remote.protocol == 2 else [("protocol.version", str(remote.protocol))]
    return [
        *network(),
        *direct,
        *older,
        (key, f"Authorization: {remote.caller.header()}"),
        # RFC 7240: we follow the build through the API; the push need not wait for it.
        (key, "Prefer: respond-async"),
    ]
