"""A developer's repository, with a bare remote to push to."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.wheelhouse import carried

IDENTITY = {
    name: "dev" if name.endswith("NAME") else "dev@example.com"
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
}

BOUND = 900
"""Seconds, after which a command hangs; pre-commit installs whole environments in one."""


@dataclass
class Repository:
    """A working copy; `variables` are added to the environment of each git command."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, variables: dict[str, str] | None = None) -> Repository:
        """Turn a folder with files into a repository on `main`, its remote beside it."""
        made = cls(folder, variables or {})
        remote = folder.parent / f"{folder.name}.remote"
        subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True, timeout=30)
        made.git("init", "-q", "-b", "main")
        made.git("remote", "add", "origin", str(remote))
        made.commit("first")
        return made

    def run(self, *arguments: str, program: str = "git") -> subprocess.CompletedProcess[str]:
        """The finished git command, whatever its status."""
        return subprocess.run(
            [program, *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BOUND,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A git command that goes on, in a session of its own; stderr is to be read."""
        return subprocess.Popen(
            ["git", *arguments],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        path, home = os.environ["PATH"], str(self.folder.parent)
        return {"PATH": path, "HOME": home, **carried(), **IDENTITY, **self.variables}

    def git(self, *arguments: str) -> str:
        """What a git command prints; it must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit every file; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def pre_commit(self, *arguments: str) -> str:
        """What a command of pre-commit prints; it must succeed."""
        done = self.run(*arguments, program=str(Path(sys.executable).with_name("pre-commit")))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def say(self, word: str) -> str:
        """Change what the app in it answers, and commit that; returns the commit."""
        (self.folder / "index.html").write_text(f"hello {word}")
        return self.commit(f"Say {word}")

    def kept(self) -> dict[str, object]:
        """What a hook must leave as it is."""
        git = self.folder / ".git"
        files = [git / "index", git / "config", git / "HEAD", self.folder / "index.html"]
        found: dict[str, object] = {str(file): file.read_bytes() for file in files}
        status = self.git("--no-optional-locks", "status", "--porcelain")
        return found | {"stash": self.git("stash", "list"), "status": status}
