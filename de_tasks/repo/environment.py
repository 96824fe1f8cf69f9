"""What git sees: an environment of our own making, or the developer's without what misleads it.

Nothing of a hook's `GIT_*` variables reaches our own git (they would redirect it into the
developer's index), nothing of the user's configuration but what `user_settings` names (filters,
hooks, insteadOf and excludes would change what is sent), and no secret stands in argv, URL or file:
credentials travel in `GIT_CONFIG_*` variables. A repository may have come from anybody, and its
own settings name commands: git reaches no remote in passing, and reads no other user's repository
that the developer does not trust. Imports next to nothing: git hooks begin here.
"""

from __future__ import annotations

import os

from de_tasks.config.environment import without_secrets

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

CONFIG = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.trustctime": "true",
    "core.autocrlf": "false",
    "core.fsmonitor": "false",
    # Windows' own limit is 260 characters, with the folder's.
    "core.longpaths": "true",
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
}
OFFLINE = {
    # In a partial clone git fetches what is missing, by a command that the repository names.
    "GIT_NO_LAZY_FETCH": "1",
    # Git 2.43 and earlier do not know that variable, and no protocol is none of ours either.
    "GIT_ALLOW_PROTOCOL": "",
}
"""Lets git look at nothing but what is on disk: for all that does not name a remote."""
TRUST = "safe.directory"
"""The setting for other users' repositories; git heeds it in what no repository can write."""
KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "PATHEXT"),
    # Where Windows has the user's configuration of git.
    *("USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
    *(n for v in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for n in (v, v.upper())),
    *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_QUARANTINE_PATH",
)
"""What `git rev-parse --local-env-vars` lists, and more that ties git to one repository."""


def kept_variables() -> dict[str, str]:
    """What git gets of our own environment."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}


def isolated(
    variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """The environment of our own git, with these variables and settings besides."""
    return kept_variables() | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # Reading the developer's repository must not refresh its index.
        "GIT_OPTIONAL_LOCKS": "0",
        **OFFLINE,
        "LC_ALL": "C.UTF-8",
        **variables,
        **settings_as_variables([*CONFIG.items(), *config]),
    }


def developers(
    variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """The environment of the developer's own git, with these variables and settings besides."""
    return online(OFFLINE | dict(variables), config)


def online(variables: Mapping[str, str], config: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """The same for a question to a remote of the developer's."""
    made = without_secrets()
    trusted = trusted_in(made)
    scrub(made)
    settings = settings_as_variables([*trusted, *config])
    return {**made, "GIT_TERMINAL_PROMPT": "0", **variables, **settings}


def scrub(environment: MutableMapping[str, str]) -> None:
    """Take out what git sets for its hooks: it would lead any git that we run astray.

    Which repositories the developer trusts is left in.
    """
    trusted = trusted_in(environment)
    for name in LOCAL_VARIABLES:
        environment.pop(name, None)
    if trusted:
        environment.update(settings_as_variables(trusted))


def trusted_in(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """The settings `safe.directory` that variables give (git-config(1), `GIT_CONFIG_COUNT`)."""
    count = environment.get("GIT_CONFIG_COUNT", "")
    return [
        (TRUST, environment.get(f"GIT_CONFIG_VALUE_{number}", ""))
        for number in range(int(count) if count.isdecimal() else 0)
        if environment.get(f"GIT_CONFIG_KEY_{number}", "").lower() == TRUST
    ]


def settings_as_variables(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Settings of git as it reads them from its environment."""
    made = {"GIT_CONFIG_COUNT": "0"}
    for number, (key, value) in enumerate(pairs):
        made[f"GIT_CONFIG_KEY_{number}"] = key
        made[f"GIT_CONFIG_VALUE_{number}"] = value
        made["GIT_CONFIG_COUNT"] = str(number + 1)
    return made
