"""A repository whose own files name a command wherever git runs one that a repository can name."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.gitserver import git

NOBODY = 65534
"""The user id that owns what is another user's."""
CONFIG = """
[core]
    repositoryFormatVersion = 1
    fsmonitor = {trap} fsmonitor
    hooksPath = {hooks}
    sshCommand = {trap} ssh
    alternateRefsCommand = {trap} alternates
    pager = {trap} pager
    editor = {trap} editor
    askPass = {trap} askpass
    gitProxy = {trap} gitproxy
[extensions]
    partialClone = origin
[remote "origin"]
    url = {source}
    uploadpack = {trap} uploadpack
    promisor = true
    partialCloneFilter = tree:0
[filter "trap"]
    clean = {trap} clean
    smudge = {trap} smudge
    required = true
[filter "process"]
    process = {trap} process
[diff]
    external = {trap} external
[diff "trap"]
    command = {trap} command
    textconv = {trap} textconv
[merge "trap"]
    driver = {trap} merge
[credential]
    helper = "!{trap} credential"
[gpg]
    program = {trap} gpg
[alias]
    rev-parse = "!{trap} alias"
[include]
    path = included
"""
INCLUDED = """
[core]
    fsmonitor = {trap} included
[filter "included"]
    clean = {trap} included-clean
"""
ATTRIBUTES = """
* filter=trap diff=trap merge=trap
*.js filter=process
*.css filter=included
"""


class Traps:
    """The traps of a test: `sprung` names the commands that were run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._marks = folder / "marks"
        self._marks.mkdir(mode=0o777)
        self._marks.chmod(0o777)
        self.script = folder / "trap"
        self.script.write_text(f'#!/bin/sh\necho >"{self._marks}/${{1##*/}}"\nexit 1\n')
        self._hooks = folder / "hooks"
        self._hooks.mkdir()
        for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-push"):
            hook = self._hooks / name
            hook.write_text(f'#!/bin/sh\nexec "{self.script}" hook\n')
            hook.chmod(0o755)
        self.script.chmod(0o755)

    @property
    def sprung(self) -> set[str]:
        """The names of the commands that were run."""
        return set(os.listdir(self._marks))

    def clear(self) -> None:
        """Forget what was run."""
        for mark in self._marks.iterdir():
            mark.unlink()

    def set(self, top: Path) -> None:
        """Put them into the repository of a folder, whose files git has to look at anew."""
        place = Path(git(top, "rev-parse", "--absolute-git-dir"))
        names = {"trap": self.script, "hooks": self._hooks, "source": top.as_uri()}
        with (place / "config").open("a") as config:
            config.write(CONFIG.format(**names))
        (place / "included").write_text(INCLUDED.format(**names))
        (place / "info").mkdir(exist_ok=True)
        (place / "info" / "attributes").write_text(ATTRIBUTES)
        (top / ".gitattributes").write_text(ATTRIBUTES)
        for file in top.iterdir():
            os.utime(file, (1, 1))


def lose(top: Path, name: str) -> None:
    """Take an object out of a repository, as if it were a clone that has to fetch it."""
    found = git(top, "rev-parse", name)
    (top / ".git" / "objects" / found[:2] / found[2:]).unlink()


def give_away(top: Path) -> None:
    """Let a folder, with all that is in it, belong to another user."""
    for path in (top, *top.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
