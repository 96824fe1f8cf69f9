"""The folder of an old release becomes that of a new one: what differs is taken out of it first.

The app has run in it, and whatever it has done there counts for nothing: kept is a file that is,
by all that the system says of it, as git wrote it, and that the new commit has too. Git then
writes what is missing, and finds nothing in its way that is not its own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from de_tasks.server.builds.git_index import Written, seen

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE, EXECUTABLE, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000


@dataclass
class Listing:
    """The files of a commit with mode and blob, and the folders that they are in, by their paths.

    A submodule is a folder with nothing in it.
    """

    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    length: int = 0
    """Of all these paths together: short objects can name any number of long ones."""

    def add(self, path: str, mode: int, blob: str) -> None:
        """Note an entry of the commit."""
        folder = path if mode == SUBMODULE else path.rpartition("/")[0]
        if mode != SUBMODULE:
            # Old gits wrote other modes of files too; the index knows these two.
            plain = EXECUTABLE if mode & 0o100 else FILE
            self.files[path] = (LINK if mode == LINK else plain, blob)
            self.length += len(path)
        while folder and folder not in self.folders:
            self.folders.add(folder)
            self.length += len(folder)
            folder = folder.rpartition("/")[0]


class NotAlike(Exception):
    """The folder itself is not as a new one would be."""


class Recycling:
    """Takes out of a folder what a check-out of `wanted` would not have there.

    `written` is what git knows of the folder's files. What is taken out goes to `rubbish`, a
    folder that was made just now on the same file system, and so shows how a new one looks.
    """

    def __init__(self, wanted: Listing, written: Mapping[str, Written], rubbish: Path) -> None:
        self._wanted = wanted
        self._written = written
        self._rubbish = rubbish
        self._new = rubbish.lstat()
        self._attributes = _attributes(rubbish)
        self._taken = 0
        mode = stat.S_IMODE(self._new.st_mode)
        # Those of links say nothing.
        self._modes = {FILE: mode & 0o666, EXECUTABLE: mode & 0o777, LINK: None}

    def run(self, folder: Path) -> None:
        """Take out what differs. Raises `NotAlike`, or `OSError` where something stays."""
        if not self._is_new(folder.lstat(), folder):
            raise NotAlike
        places = [""]
        with _opened(self._rubbish) as rubbish, _opened(folder) as top:
            while places:
                place = places.pop()
                with _below(top, place) as here, os.scandir(here) as entries:
                    for entry in list(entries):
                        path = place + entry.name
                        found = entry.stat(follow_symlinks=False)
                        if path in self._wanted.files:
                            stays = self._is_wanted(path, found)
                        else:
                            stays = path in self._wanted.folders and self._is_new(
                                found, folder / path
                            )
                            places += [f"{path}/"] if stays else []
                        if not stays:
                            self._take(entry.name, found, here, rubbish)

    def _is_new(self, found: os.stat_result, path: Path) -> bool:
        new = self._new
        return (
            (found.st_mode, found.st_uid, found.st_gid, found.st_dev)
            == (new.st_mode, new.st_uid, new.st_gid, new.st_dev)
        ) and _attributes(path) == self._attributes

    def _is_wanted(self, path: str, found: os.stat_result) -> bool:
        written, wanted = self._written.get(path), self._wanted.files[path]
        if written is None or written != (wanted, seen(found)):
            return False
        return self._modes[wanted[0]] in (None, stat.S_IMODE(found.st_mode))

    def _take(self, name: str, found: os.stat_result, here: int, rubbish: int) -> None:
        if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o700 != 0o700:
            # It is written to as it is moved: its entry `..` is another one.
            os.chmod(name, 0o700, dir_fd=here)
        self._taken += 1
        os.rename(name, str(self._taken), src_dir_fd=here, dst_dir_fd=rubbish)


def _attributes(path: Path) -> dict[str, bytes]:
    """Extended attributes, such as access control lists that files in a folder inherit."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:
        return {}


@contextmanager
def _below(top: int, place: str) -> Iterator[int]:
    """A folder below, by its names one after the other: none of them may have become a link."""
    descriptor = os.open(".", FLAGS, dir_fd=top)
    try:
        for name in filter(None, place.split("/")):
            above, descriptor = descriptor, os.open(name, FLAGS, dir_fd=descriptor)
            os.close(above)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path | str, parent: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, FLAGS, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
