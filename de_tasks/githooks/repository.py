"""Questions to the repository that a hook runs in, by the user's own git and configuration."""

from __future__ import annotations

import os

from de_tasks.config.environment import without_secrets

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import MutableMapping

SECONDS = 30
"""The longest that git may take to answer."""
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


def scrub(environment: MutableMapping[str, str]) -> None:
    """Take out what git sets for its hooks: it would lead any git that we run astray."""
    for name in LOCAL_VARIABLES:
        environment.pop(name, None)


def git(*arguments: str) -> str | None:
    """What git prints, None when it says no. It cannot ask anybody anything."""
    import subprocess

    quiet = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "SSH_ASKPASS_REQUIRE": "never"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            env={**without_secrets(), **quiet},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=SECONDS,
            check=False,
            # Without a terminal of its own, ssh has nowhere to ask for a passphrase.
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(name: str) -> str:
    """The commit that a branch or other name stands for, the name itself where there is none."""
    return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") or name


def commit_of_remote(address: str, ref: str) -> str:
    """The commit that a ref has at a remote, empty where it has none or does not answer."""
    return (git("ls-remote", address, ref) or "").partition("\t")[0]


def is_ancestor(first: str, second: str) -> bool:
    """Whether a commit is in the history of another; an unknown one is not."""
    return git("merge-base", "--is-ancestor", first, second) is not None


def is_default(branch: str, remote: str) -> bool:
    """Whether it is the default branch: the remote's HEAD as of the last clone or fetch, else
    `main`, or `master` where there is no `main`."""
    prefix = f"refs/remotes/{remote}/"
    head = _symbolic_ref(f"{prefix}HEAD")
    if head:
        return head == f"{prefix}{branch}"
    if branch == "master":
        return git("rev-parse", "--verify", "--quiet", "refs/heads/main") is None
    return branch == "main"


def _symbolic_ref(name: str) -> str:
    """What a symbolic ref points to, empty where there is none.

    Read from its file in a plain repository (gitrepository-layout(5): such refs are never
    packed): to start git takes twice as long as all else that most pushes ask for.
    """
    plain = os.path.isdir(".git/refs") and not os.path.exists(".git/reftable")
    if plain and ".." not in name:  # A remote may be given by its path.
        try:
            with open(f".git/{name}", encoding="utf-8") as file:
                return file.read().removeprefix("ref:").strip()
        except OSError:
            return ""
    return git("symbolic-ref", "--quiet", name) or ""
