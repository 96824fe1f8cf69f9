"""The plain `pre-push` hook of a repository, for those without the pre-commit framework."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from de_tasks.config.system import own_program
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.repo.environment import developers
from de_tasks.repo.git import Git
from de_tasks.terminal.commands import typed

SECONDS = 30
"""The longest that git may take to answer."""
PRE_COMMIT = "It is pre-commit's: .pre-commit-config.yaml says what it runs."
MARK = "# Written by de-tasks: 'inv hooks.uninstall' removes it."
SCRIPT = f"""#!/bin/sh
{MARK}
refs=$(cat)
run() {{
    if [ ! -x "$1" ]; then
        echo "There is no $1 any more. Type: inv hooks.install, or git push --no-verify" >&2
        exit 1
    fi
    printf '%s\\n' "$refs" | "$@" || exit
}}
"""


class NoRepository(UsageError):
    """A folder is in no git repository."""


@dataclass(frozen=True)
class Installed:
    """A pre-push hook. `runs` are our hooks in it with their options, `about` what to know of one
    that is not `ours`."""

    path: str
    ours: bool
    runs: tuple[str, ...] = ()
    about: str = ""


def installed(folder: Path) -> Installed | None:
    """The pre-push hook of the repository around a folder, None where there is none.

    Raises `NoRepository` where there is no repository.
    """
    path = _path(folder)
    if not path.exists():
        return None
    if _ours(path):
        lines = path.read_text("utf-8", "replace").splitlines()
        return Installed(path.as_posix(), True, tuple(map(_run_by, filter(_runs, lines))))
    return Installed(path.as_posix(), False, about=PRE_COMMIT if _pre_commits(path) else "")


def _runs(line: str) -> bool:
    return line.startswith("run ")


def _run_by(line: str) -> str:
    """The hook that a line runs; the line itself where somebody has changed it."""
    try:
        command, *rest = shlex.split(line)[1:-1]
    except ValueError:
        return line
    return shlex.join([Path(command).stem, *rest])


def install(folder: Path, hooks: Mapping[str, Sequence[str]]) -> Path:
    """Write a pre-push hook that runs our `hooks` for the app of a folder: the name of each, such
    as `de-deploy`, to its options.

    Returns its path. One of ours is written anew. Raises `DeTasksError` where there is
    another's, `NoRepository` where there is no repository.
    """
    path, below = _path(folder), _git(folder, "--show-prefix").rstrip("/")
    # git runs the hook at the top of the working tree.
    place = [f"--path={below}"] if below else []
    lines = [
        shlex.join([_program(hook), *place, *options]) + ' "$@"' for hook, options in hooks.items()
    ]
    if path.exists() and not _ours(path):
        if _pre_commits(path):
            advice = "It is pre-commit's: add the hooks to .pre-commit-config.yaml (docs/hooks.md)"
        else:
            advice = "Add to it, where it can have the standard input: " + "; ".join(lines)
        raise DeTasksError(f"There is a pre-push hook already, {path}. {advice}")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = SCRIPT + "".join(f"run {line}\n" for line in lines)
    # Git for Windows runs it with its own sh, which takes no CRLF.
    path.write_text(text, "utf-8", newline="\n")
    path.chmod(0o755)
    return path


def uninstall(folder: Path) -> Path | None:
    """Remove our pre-push hook; returns its path, None where there is none.

    Raises `DeTasksError` for a hook that is not ours.
    """
    path = _path(folder)
    if not path.exists():
        return None
    if not _ours(path):
        raise DeTasksError(f"{path} was not written by {typed('hooks.install')}: it stays.")
    path.unlink()
    return path


def _path(folder: Path) -> Path:
    """Where git looks for the hook; `core.hooksPath` is honoured, a worktree's is shared."""
    return (folder / _git(folder, "--git-path", "hooks")).resolve() / "pre-push"


def _git(folder: Path, *arguments: str) -> str:
    # With the user's configuration: core.hooksPath may stand there.
    done = Git(None, developers, SECONDS).run("rev-parse", *arguments, cwd=folder)
    if done.returncode:
        raise NoRepository(f"{folder.resolve()} is not in a git repository. Type: git init")
    return done.stdout.rstrip("\n")


def _pre_commits(path: Path) -> bool:
    return "pre-commit" in path.read_text("utf-8", "replace")


def _ours(path: Path) -> bool:
    return MARK in path.read_text("utf-8", "replace")


def _program(hook: str) -> str:
    """The hook's program beside this Python, else on the PATH.

    A program and not `python -m`, which would import an `invoke.py` of the repository.
    """
    found = own_program(hook)
    if not found:
        raise DeTasksError(f"There is no program {hook} beside {sys.executable}. Install it again")
    # With slashes, which sh takes on Windows too.
    return Path(found).as_posix()
