"""Trees and commits made from a few edits, by a git that waits for them (git-fast-import(1))."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from de_tasks.repo.edits import Edit
from de_tasks.repo.errors import error_of
from de_tasks.repo.git import Git

REF = "refs/de-tasks/written"
NOBODY = b"nobody <nobody@de-tasks.invalid> 0 +0000"


class Writer:
    """One `git fast-import`. What it writes is there for other commands after `close`."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._open = True
        options = ("--quiet", "--force", "--done", "--cat-blob-fd=1")
        # A pack as it is: taking it apart costs another command.
        config = {"fastimport.unpackLimit": "1"}
        self._child = git.start("fast-import", *options, config=config)

    def tree(self, base: str, edits: Sequence[Edit]) -> str:
        """The tree that `base` becomes by the edits."""
        commands = [*_commit(NOBODY, b"", base)]
        commands += [b"D %s\n" % _quoted(edit.path) for edit in edits if not edit.mode]
        for edit in edits:
            if edit.mode:
                head = f"M {edit.mode} inline ".encode() + _quoted(edit.path)
                commands += [head, b"\ndata %d\n" % len(edit.content), edit.content, b"\n"]
        # `040000 tree <hash>`
        return self._ask(*commands, b'ls ""\n').split("\t")[0].split()[-1]

    def commit(self, tree: str, parent: str, author: str, message: str) -> str:
        """A commit of a tree on top of another commit."""
        name = author.translate(dict.fromkeys(map(ord, "<>\n"), " "))
        who = f"{name} <{name}@de-tasks.invalid> {int(time.time())} +0000".encode()
        text = message.encode("utf-8", "surrogateescape")
        commands = [*_commit(who, text, tree, b"from %s\n" % parent.encode())]
        return self._ask(*commands, b"get-mark :1\n")

    def close(self) -> None:
        """Write out what was made. Raises an error of the tree with git's own words."""
        if not self._open:
            return
        self._open = False
        try:
            _, err = self._child.communicate(b"done\n", timeout=60)
        finally:
            self._git.finish(self._child)
        if self._child.returncode:
            raise error_of("fast-import", err.decode("utf-8", "surrogateescape"))

    def _ask(self, *commands: bytes) -> str:
        assert self._child.stdin and self._child.stdout
        try:
            self._child.stdin.write(b"".join(commands))
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            self.close()
            raise error_of("fast-import", "It says nothing.")
        return answer.decode().strip()


def _commit(who: bytes, message: bytes, tree: str, *parents: bytes) -> Sequence[bytes]:
    return (
        b"commit %s\nmark :1\n" % REF.encode(),
        b"author %s\ncommitter %s\n" % (who, who),
        b"data %d\n%s\n" % (len(message), message),
        *parents,
        b'M 040000 %s ""\n' % tree.encode(),
    )


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    for byte, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), (b"\n", b"\\n")):
        raw = raw.replace(byte, escaped)
    return b'"%s"' % raw
