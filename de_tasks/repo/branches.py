"""The branches of the developer's own repository, and those of its remote."""

from __future__ import annotations

import re
from pathlib import Path

from de_tasks.errors import DeTasksError, Temporary, UsageError
from de_tasks.repo.environment import online
from de_tasks.repo.git import Git
from de_tasks.repo.user_settings import reading

HEADS = "refs/heads/"
SECONDS = 60
"""The longest that a remote may take to list its branches."""


def head(folder: Path) -> str | None:
    """The branch that is checked out, empty where HEAD is detached, None without a repository."""
    done = Git(None, reading).run("symbolic-ref", "--quiet", "HEAD", cwd=folder)
    # git-symbolic-ref(1): 1 where HEAD is no symbolic ref, 128 for an error.
    return None if done.returncode > 1 else done.stdout.strip().removeprefix(HEADS)


def current_branch(folder: Path) -> str:
    """The branch that is checked out. Raises `UsageError` when there is none."""
    name = head(folder)
    if not name:
        raise UsageError(f"No branch is checked out in {folder.resolve()}. Name it with --branch")
    return name


def default_branch(folder: Path) -> str:
    """The default branch of the repository around a folder: that of its remote as of the last
    fetch, else `master` where there is no `main`, else `main`."""
    git = Git(None, reading)
    head = git.run("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", cwd=folder)
    if head.returncode == 0:
        return head.stdout.strip().removeprefix("refs/remotes/origin/")
    listed = git.run("for-each-ref", "--format=%(refname)", HEADS, cwd=folder).stdout.split()
    unborn = git.run("symbolic-ref", "--quiet", "HEAD", cwd=folder).stdout.split()
    names = {ref.removeprefix(HEADS) for ref in listed or unborn}
    return "master" if "master" in names and "main" not in names else "main"


def top_of(folder: Path) -> Path | None:
    """The top of the repository around a folder, None when there is none."""
    done = Git(None, reading).run("rev-parse", "--show-toplevel", cwd=folder)
    return Path(done.stdout.removesuffix("\n")) if done.returncode == 0 else None


def address_of(folder: Path, remote: str) -> str:
    """Where a remote of the repository is, empty where there is none."""
    return (
        Git(None, reading).run("config", "--get", f"remote.{remote}.url", cwd=folder).stdout.strip()
    )


def host_in(address: str) -> str:
    """The host of a remote's address, as a URL or as ssh has it; empty for a folder."""
    found = re.match(r"(?:\w[\w+]*://)?(?:[^@/]*@)?([^:/]+)[:/]", address)
    return found[1] if found else ""


def known_branches(folder: Path, remote: str) -> frozenset[str]:
    """The branches of the remote, as it says now, and those of the repository itself.

    Raises `UsageError` without a repository or such a remote, `Temporary` when the remote does
    not answer: what is not known is never taken for gone.
    """
    git = Git(None, reading)
    local = git.run("for-each-ref", "--format=%(refname)", HEADS, cwd=folder)
    if local.returncode:
        raise UsageError(
            f"{folder.resolve()} is not in a git repository: its branches are not known."
        )
    names = git.run("remote", cwd=folder).stdout.split()
    if remote not in names:
        known = ", ".join(names) or "none"
        raise UsageError(f"There is no remote {remote!r}: give one with --remote. Known: {known}.")
    listed = _ask(folder, "ls-remote", "--heads", remote)
    there = [line.partition("\t")[2] for line in listed.splitlines()]
    if not there:
        raise DeTasksError(f"{remote} has no branches at all: no preview counts as left over.")
    refs = (*there, *local.stdout.splitlines())
    return frozenset(ref.removeprefix(HEADS) for ref in refs)


def _ask(folder: Path, *arguments: str) -> str:
    """What a remote answers, asked with the developer's own configuration and credentials."""
    try:
        done = Git(None, online, SECONDS).run(*arguments, cwd=folder)
    except Temporary:
        raise Temporary(f"{arguments[-1]} has not answered in {SECONDS} s.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["git gives no reason"]
        words = next((x[7:] for x in lines if x.startswith("fatal: ")), lines[-1])
        raise Temporary(f"{arguments[-1]} does not list its branches: {words}")
    return done.stdout
