"""Questions to the repository that a hook runs in, by the user's own git and configuration."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from de_tasks.repo.git import Environment

SECONDS = 30
"""The longest that git may take to answer."""
NOT_IN_TIME = 75
"""The code of the error for a git that takes longer."""
# Without a terminal of its own, ssh has nowhere to ask for a passphrase.
QUIET = {"GCM_INTERACTIVE": "never", "SSH_ASKPASS_REQUIRE": "never"}


def git(*arguments: str) -> str | None:
    """What git prints, None when it says no. It cannot ask anybody anything, nor reach a remote."""
    from de_tasks.repo.environment import developers

    return _ask(developers, *arguments)


def _ask(environment: Environment, *arguments: str) -> str | None:
    from de_tasks.repo.git import Git

    try:
        done = Git(None, environment, SECONDS).run(*arguments, variables=QUIET)
    except OSError:
        return None
    except Exception as error:
        # By its code, and not by its class: most runs never need to import the errors.
        if getattr(error, "exit_code", 0) != NOT_IN_TIME:
            raise
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(name: str) -> str:
    """The commit that a branch or other name stands for, the name itself where there is none."""
    return git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") or name


def commit_of_remote(address: str, ref: str) -> str:
    """The commit that a ref has at a remote, empty where it has none or does not answer."""
    from de_tasks.repo.environment import online

    return (_ask(online, "ls-remote", address, ref) or "").partition("\t")[0]


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
