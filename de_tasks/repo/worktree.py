"""A folder as a git tree: every file that its own .gitignore files do not leave out."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from de_tasks.errors import DeTasksError
from de_tasks.net.retry import Policy
from de_tasks.repo import edits
from de_tasks.repo.bare import Bare
from de_tasks.repo.edits import Edit
from de_tasks.repo.errors import Failed, Nested, Vanished, error_of
from de_tasks.repo.files import Files, of_index, updated
from de_tasks.repo.writer import Writer

FAST_FIRST = {"core.bigFileThreshold": "1", "core.compression": "1"}
"""The first time, stream straight into one pack instead of a file per object."""
LINK = "160000"
"""The mode of a link to another repository's commit."""


class Worktree:
    """A folder that is read into a deploy repository.

    `base` is the tree of the reading before, where only what was edited since was read.
    """

    def __init__(self, bare: Bare, folder: Path, big: int) -> None:
        self._bare = bare
        self._folder = folder
        self._big = big
        self._top = str(folder.resolve())
        self._edited: tuple[list[str], Files] | None = None
        self._writer: Writer | None = None
        self.base = ""

    def read(self) -> Files:
        """Read what has changed since the last time; returns what is deployed, with how many
        files differ from `base`.

        Raises `UsageError` for what cannot be read, `Vanished` for a folder that does not
        keep still.
        """
        self._bare.leave_out(self._never())
        return self._read_edits() or self._read_all()

    def commit(self, tree: str, parent: str, author: str, message: str) -> str | None:
        """A commit of what was read, where it is made in passing; else None."""
        if not self._edited or self._writer is None:
            return None
        sha = self._writer.commit(tree, parent, author, message)
        self.write()
        return sha

    def write(self) -> None:
        """Let other commands see what was read."""
        writer, self._writer = self._writer, None
        if writer:
            writer.close()

    def settle(self) -> None:
        """Bring the index up to date with what was read without it."""
        self.write()
        if not self._edited:
            return
        edited, files = self._edited
        with self._bare.index() as index:
            self._change(index, edited, "--add", "--remove", "--replace")
            tree = self._git(index, "write-tree").strip()
        # A file may have changed again meanwhile: then it is counted the next time.
        if tree == files.tree:
            self._bare.note(files)

    def _read_edits(self) -> Files | None:
        """The files, where so few were changed that git need not read everything anew."""
        known = self._bare.reading() if self._bare.plain else None
        if known is None:
            return None
        git = self._bare.git
        self._writer, self.base = Writer(git), known.tree
        try:
            found = edits.find(git, self._folder, self._places({}))
            return None if found is None else self._apply(known, found)
        except (OSError, DeTasksError):
            return None

    def _apply(self, known: Files, found: list[Edit]) -> Files | None:
        git, writer = self._bare.git, self._writer
        assert writer
        real = [edit for edit in found if edit.real]
        if not real:
            self._edited = ([edit.path for edit in found], known) if found else None
            return replace(known, changed=0)
        hashes = "".join(f"{edit.before.split()[1]}\n" for edit in real if edit.before)
        sizes = git.begin("cat-file", "--batch-check=%(objectsize)", stdin=hashes)
        tree = writer.tree(known.tree, real)
        before = [int(line) for line in sizes.output().split("\n")[:-1] if line.isdecimal()]
        files = updated(known, tree, real, sum(before), self._big)
        if files and len(before) == hashes.count("\n"):
            self._edited = ([edit.path for edit in found], files)
            return replace(files, changed=len(real))
        return None

    def _read_all(self) -> Files:
        self.base, self._edited = "", None
        with contextlib.suppress(DeTasksError):
            self.write()
        with self._bare.index() as index:
            try:
                nested = Policy().call(lambda _: self._add(index), kinds=(Vanished,))
            except Failed:
                # A file that became a pipe, say, which git passes over where it knows of no file.
                Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
                nested = Policy().call(lambda _: self._add(index), kinds=(Vanished,))
            for entry in self._git(index, "ls-files", "--stage", "-z").split("\0"):
                if entry.startswith(LINK):
                    nested.add(entry.split("\t", 1)[1])
            for path in sorted(nested):
                self._add_nested(index, path)
            self._leave_out(index)
            tree = self._git(index, "write-tree").strip()
            files = of_index(self._bare.git, tree, self._big, index)
        self._bare.note(files)
        return files

    def _never(self) -> list[str]:
        """Patterns of what is never deployed: logins, and our own cache where it lies inside."""
        cache = self._bare.folder.parent.parent.resolve()
        inside = cache.is_relative_to(self._top) and cache.relative_to(self._top).as_posix()
        return [".dash_enterprise/", *([f"/{escaped(inside)}/"] if inside else [])]

    def _add(self, index: dict[str, str]) -> set[str]:
        """Add everything but repositories without a commit; returns those."""
        try:
            self._add_all(index, set())
            return set()
        except Nested:
            # Git stops at the first of them, and cannot leave them out by itself.
            nested = set(self._repositories())
            self._add_all(index, nested)
            return nested

    def _add_all(self, index: dict[str, str], without: set[str]) -> None:
        paths = [".", *(f":(exclude,literal){path}" for path in sorted(without))]
        done = self._bare.git.run(
            "add",
            "--all",
            "--",
            *paths,
            variables=self._places(index),
            config=FAST_FIRST if self._bare.fresh else {},
            cwd=self._folder,
        )
        if done.returncode:
            raise error_of("add", done.stderr)
        for line in done.stderr.splitlines():
            # Git passes over such a folder with a warning.
            if "could not open directory" in line:
                raise error_of("add", line)

    def _repositories(self) -> Iterator[str]:
        """Paths of the repositories inside the folder, ignored ones excepted."""
        found = []
        for place, folders, files in os.walk(self._folder):
            if ".git" in folders or ".git" in files:
                inside = Path(place).relative_to(self._folder)
                if inside != Path("."):
                    found.append(inside.as_posix())
                    folders.clear()
            folders[:] = [name for name in folders if name != ".git"]
        ignored = self._bare.git.run(
            "check-ignore",
            "-z",
            "--no-index",
            "--stdin",
            variables=self._places({}),
            cwd=self._folder,
            stdin="".join(f"{path}\0" for path in found),
        ).stdout.split("\0")
        return (path for path in found if path not in ignored)

    def _add_nested(self, index: dict[str, str], path: str) -> None:
        """Put the files of a repository inside the folder (a submodule, a clone) in its place.

        Git would record a link to its commit, and the files would be missing on the server.
        Its own git has no say: where it is broken, the files are deployed all the same.
        """
        names: list[str] = []
        waiting = [path]
        empty = {"GIT_INDEX_FILE": str(self._bare.folder / "index.none")}
        while waiting:
            inner = waiting.pop()
            place = self._folder / inner
            listing = self._bare.git(
                "ls-files",
                "-z",
                "--others",
                "--exclude-standard",
                variables={**empty, "GIT_WORK_TREE": str(place.resolve())},
                cwd=place,
            )
            for name in filter(None, listing.split("\0")):
                found = f"{inner}/{name}"
                (waiting if name.endswith("/") else names).append(found.rstrip("/"))
        self._change(index, [path], "--force-remove")
        self._change(index, names, "--add", "--remove", "--replace")

    def _leave_out(self, index: dict[str, str]) -> None:
        """Take out what was read before a line in a .gitignore named it: git would keep it."""
        ignored = self._git(index, "ls-files", "--cached", "--ignored", "--exclude-standard", "-z")
        self._change(index, ignored.split("\0")[:-1], "--force-remove")

    def _change(self, index: dict[str, str], names: list[str], *how: str) -> None:
        if names:
            listed = "".join(f"{name}\0" for name in names)
            self._git(index, "update-index", *how, "-z", "--stdin", stdin=listed)

    def _places(self, index: dict[str, str]) -> dict[str, str]:
        return {**index, "GIT_WORK_TREE": self._top}

    def _git(self, index: dict[str, str], *arguments: str, stdin: str | None = None) -> str:
        return self._bare.git(
            *arguments, variables=self._places(index), cwd=self._folder, stdin=stdin
        )


def escaped(path: str) -> str:
    """A path as a pattern of .gitignore that means it literally."""
    return re.sub(r"([\\*?\[!# ])", r"\\\1", path)
