"""The few files that were changed since a folder was read: their tree, without another reading.

Git reads and writes its whole index several times until it has a tree. Here it looks once at
what is on disk, and makes the new tree from the old one; the index follows later, beside the
push.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from de_tasks.config.system import is_executable, read_link
from de_tasks.repo.git import Git

MOST_FILES = 200
MOST_BYTES = 8 * 1000**2
"""Of more than that, `git add` is the faster way."""


@dataclass(frozen=True)
class Edit:
    """A file that is added, changed or, with `mode` empty, deleted. `before` is mode and hash of
    what the index has, empty where it has nothing."""

    path: str
    before: str
    mode: str = ""
    content: bytes = b""

    @property
    def real(self) -> bool:
        """Whether more than the time of the file has changed."""
        head = b"blob %d\0" % len(self.content)
        return self.before != f"{self.mode} {hashlib.sha1(head + self.content).hexdigest()}"


def find(git: Git, folder: Path, places: Mapping[str, str]) -> list[Edit] | None:
    """What differs from the index; None where only a whole reading tells what is deployed.

    Raises `OSError` for files that go away or cannot be read.
    """
    looks = [
        git.begin(*look, "-z", variables=places, cwd=folder)
        for look in (
            ("diff-files",),
            ("ls-files", "--others", "--exclude-standard"),
            # What was deployed until a line in a .gitignore left it out.
            ("ls-files", "--cached", "--ignored", "--exclude-standard"),
        )
    ]
    changed, others, ignored = (look.done() for look in looks)
    if any(look.returncode for look in (changed, others, ignored)) or ignored.stdout:
        return None
    fields = changed.stdout.split("\0")
    known = {
        path: " ".join(facts[1:].split()[0:3:2])
        for facts, path in zip(fields[::2], fields[1::2], strict=False)
    }
    found = known | dict.fromkeys(others.stdout.split("\0")[:-1], "")
    if len(found) > MOST_FILES or "could not open directory" in others.stderr:
        return None
    # A slash ends the name of a repository inside.
    if any(path.endswith("/") for path in found):
        return None
    edits = list(_read(folder, found))
    return edits if sum(len(edit.content) for edit in edits) <= MOST_BYTES else None


def _read(folder: Path, found: Mapping[str, str]) -> Iterator[Edit]:
    total = 0
    for path, before in found.items():
        full = folder / path
        try:
            facts = full.lstat()
        except (FileNotFoundError, NotADirectoryError):
            yield Edit(path, before)
            continue
        total += facts.st_size
        if total > MOST_BYTES:
            raise OSError("more than is read here")
        if stat.S_ISLNK(facts.st_mode):
            yield Edit(path, before, "120000", read_link(full))
        elif stat.S_ISREG(facts.st_mode):
            executable = is_executable(facts, before.startswith("100755"))
            yield Edit(path, before, "100755" if executable else "100644", full.read_bytes())
        elif stat.S_ISDIR(facts.st_mode):
            yield Edit(path, before)
        else:
            raise OSError("no file")
