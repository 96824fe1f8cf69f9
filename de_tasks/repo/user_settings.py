"""What of the user's own git configuration counts for our git, which else sees none of it.

The way to servers, and whose repositories may be read. No repository is asked: what one says of
the network is meant for its own remotes, and of itself that it is safe, it may not say.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping

from de_tasks.repo.environment import (
    isolated,
    kept_variables,
    settings_as_variables,
    trusted_in,
)
from de_tasks.repo.git import Git

Setting = tuple[str, str]
OWNERS = r"safe\.(directory|barerepository)"
NETWORK = (
    r"http\.(.+\.)?(proxy|proxyauthmethod|proxyssl[a-z]+|ssl(cainfo|capath|cert|key|backend)"
    r"|sslcertpasswordprotected|schannel[a-z]+|version)"
)
"""In `git config --get-regexp`'s words."""
PLACES = ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""Variables that say where the configuration is."""


def network() -> list[Setting]:
    """The settings that say how to reach a server."""
    return [setting for setting in _all() if not setting[0].startswith("safe.")]


def reading(variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The environment of our own git in a repository that we have not made.

    One of another user's is read only if the developer's own git would do so.
    """
    trust = [setting for setting in _all() if setting[0].startswith("safe.")]
    return isolated(variables, [*trust, *config])


@functools.cache
def _all() -> tuple[Setting, ...]:
    wanted = f"^({OWNERS}|{NETWORK})$"
    done = Git(None, environment=_users).run("config", "--null", "--get-regexp", wanted)
    entries = (entry.partition("\n") for entry in done.stdout.split("\0") if entry)
    return tuple((key, value) for key, _, value in entries)


def _users(variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    places = {name: os.environ[name] for name in PLACES if name in os.environ}
    trusted = settings_as_variables(trusted_in(os.environ))
    return kept_variables() | places | trusted | {"GIT_DIR": os.devnull}
