"""The files that a deploy would send: of a folder as it is, of git's index, or of a tree."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from de_tasks.config.system import is_executable, read_link, temporary_folder
from de_tasks.repo.git import Git
from de_tasks.repo.listing import Listing

LARGEST = 1024**2
"""Bytes of a file that is read: what is larger is data."""
UNKNOWN = -1
LINK = "120000"
MOST_LINKS = 10


class Entry(NamedTuple):
    """One file: its size in bytes, `UNKNOWN` where the folder has to be asked, and what it is.
    `blob` names its content in git."""

    size: int
    executable: bool = False
    link: bool = False
    blob: str = ""


class Sent:
    """Files by their names relative to the app's folder, with `/` on every system.

    `folder` is where the content stands; or, where `git` has it, where more may stand that is not
    sent. `total` are the bytes of all of them, None where nobody has counted.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        folder: Path | None = None,
        git: Git | None = None,
        total: int | None = None,
    ) -> None:
        self.entries = dict(entries)
        self.total = total
        self.folder = folder
        self._git = git
        self._known: dict[str, bytes] = {}

    @cached_property
    def text(self) -> str:
        """All names, each in a line of its own, with an empty line at either end."""
        return "\n" + "\n".join(self.entries) + "\n"

    @cached_property
    def links(self) -> list[str]:
        """The names of all links."""
        return [name for name, entry in self.entries.items() if entry.link]

    def size(self, name: str) -> int:
        """Bytes of a file, 0 for one that is gone."""
        size = self.entries[name].size
        if size != UNKNOWN or self.folder is None:
            return size
        try:
            return os.lstat(self.folder / name).st_size
        except OSError:
            return 0

    def has(self, name: str) -> bool:
        """Whether there is such a file, links followed."""
        return self._real(name) is not None

    def has_folder(self, name: str) -> bool:
        """Whether there is such a folder."""
        clean = posixpath.normpath(name)
        if self._is_folder(clean):
            return True
        entry = self.entries.get(clean)
        return bool(entry and entry.link and self._is_folder(self.target(clean)))

    def _is_folder(self, name: str | None) -> bool:
        return name == "." or (name is not None and f"\n{name}/" in self.text)

    def executable(self, name: str) -> bool:
        """Whether a file may be run by its name."""
        real = self._real(name)
        return real is not None and self.entries[real].executable

    def target(self, name: str) -> str | None:
        """Where a link leads, relative to the folder; None for what leaves it."""
        where = self.read_link(name)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), where))
        outside = posixpath.isabs(where) or path.split("/")[0] == ".."
        return None if outside else path

    def read_link(self, name: str) -> str:
        """What a link says."""
        return os.fsdecode(self._content([name])[name])

    def read(self, name: str) -> bytes:
        """The content of a file, its first `LARGEST` bytes; empty for one that is not there."""
        real = self._real(name)
        return b"" if real is None else self._content([real])[real]

    def whole(self, name: str) -> bytes:
        """The content of a file of any size; empty for one that is not there."""
        real = self._real(name)
        if real is None:
            return b""
        if self._git:
            found = self._git.begin("cat-file", "blob", self.entries[real].blob).done().stdout
            return found.encode("utf-8", "surrogateescape")
        assert self.folder
        try:
            return (self.folder / real).read_bytes()
        except OSError:
            return b""

    def put(self, name: str, content: bytes) -> None:
        """Take other content for a file, which need not be there."""
        self.entries[name] = Entry(len(content))
        self._known[name] = content

    def prepare(self, names: Iterable[str]) -> None:
        """Read files that will be asked for, all of them at once."""
        if self._git:
            self._content([name for name in names if name in self.entries])

    def export(self, names: Iterable[str], place: Path) -> None:
        """Write copies of files to a folder."""
        for name in names:
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(name))

    def left_out(self, name: str) -> bool:
        """Whether a file stands in the folder, and is not sent."""
        return self.folder is not None and (self.folder / name).is_file() and not self.has(name)

    @property
    def of_git(self) -> bool:
        """Whether these are the files of a commit, or of the index."""
        return self._git is not None

    def _real(self, name: str) -> str | None:
        clean = posixpath.normpath(name)
        for _ in range(MOST_LINKS):
            entry = self.entries.get(clean)
            if entry is None:
                return self._below_link(clean)
            if not entry.link:
                return clean
            target = self.target(clean)
            if target is None:
                return None
            clean = target
        return None

    def _below_link(self, name: str) -> str | None:
        head = posixpath.dirname(name)
        while head:
            entry = self.entries.get(head)
            if entry and entry.link:
                target = self.target(head)
                found = target and posixpath.normpath(target + name[len(head) :])
                return found if found in self.entries and found != name else None
            head = posixpath.dirname(head)
        return None

    def _content(self, names: list[str]) -> dict[str, bytes]:
        wanted = [name for name in dict.fromkeys(names) if name not in self._known]
        if self._git is None:
            for name in wanted:
                self._known[name] = self._of_file(name)
        else:
            self._of_git(self._git, wanted)
        return self._known

    def _of_file(self, name: str) -> bytes:
        assert self.folder
        path = self.folder / name
        try:
            if self.entries[name].link:
                return read_link(path)
            with path.open("rb") as stream:
                return stream.read(LARGEST)
        except OSError:  # It is gone, or nobody may read it: a deploy says so.
            return b""

    def _of_git(self, git: Git, names: list[str]) -> None:
        small = []
        for name in names:
            self._known[name] = b""
            if self.entries[name].blob and self.size(name) <= LARGEST:
                small.append(name)
        if not small:
            return
        listed = "".join(f"{self.entries[name].blob}\n" for name in small)
        out = git("cat-file", "--batch", stdin=listed).encode("utf-8", "surrogateescape")
        for name in small:
            head, _, out = out.partition(b"\n")
            size = int(head.split()[2])
            self._known[name], out = out[:size], out[size + 1 :]


def of_folder(folder: Path) -> Sent:
    """The files that a deploy of a folder sends.

    The rule is that of deploys: the folder's own .gitignore files count, and nothing else.
    An empty repository is asked, so that no file counts as known.
    """
    with temporary_folder("de-check-") as empty:
        git = Git(empty)
        git("init", "--bare", "--quiet", "--template=")
        arguments = ("ls-files", "--others", "--exclude-per-directory=.gitignore", "-z")
        text = git(*arguments, variables={"GIT_WORK_TREE": str(folder)}, cwd=folder)
    entries = {}
    for name in filter(None, text.split("\0")):
        # A repository inside the folder is one entry; its files are sent as files.
        for inner in _inside(folder, name) if name.endswith("/") else [name]:
            try:
                status = os.lstat(os.path.join(folder, inner))
            except OSError:
                continue
            link = stat.S_ISLNK(status.st_mode)
            executable = is_executable(status, before=True)
            entries[inner.replace(os.sep, "/")] = Entry(status.st_size, executable, link)
    return Sent(dict(sorted(entries.items())), folder)


def ignored(folder: Path, names: Iterable[str]) -> list[str]:
    """Which of these names the .gitignore files of a folder leave out, there or not."""
    with temporary_folder("de-check-") as empty:
        git = Git(empty)
        git("init", "--bare", "--quiet", "--template=")
        listed = "".join(f"{name}\0" for name in names)
        arguments = ("check-ignore", "-z", "--no-index", "--stdin")
        work = {"GIT_WORK_TREE": str(folder.resolve())}
        done = git.run(*arguments, variables=work, cwd=folder, stdin=listed)
    return done.stdout.split("\0")[:-1]


def of_tree(git: Git, tree: str, folder: Path | None = None) -> Sent:
    """The files of a tree in a repository; `folder` may have more, which would not be sent."""
    entries = {}
    for line in filter(None, git("ls-tree", "-r", "-l", "-z", tree).split("\0")):
        facts, _, name = line.partition("\t")
        mode, _, blob, size = facts.split()
        entries[name] = _entry(mode, blob, int(size) if size.isdecimal() else 0)
    return Sent(entries, folder, git)


def of_read(listing: Listing, folder: Path, total: int) -> Sent:
    """The files of a folder that was read into a tree: nothing is asked of the folder again but
    what is looked into."""
    entries = dict.fromkeys(listing.names, Entry(UNKNOWN))
    kinds = {LINK: Entry(UNKNOWN, link=True), "100755": Entry(UNKNOWN, True)}
    for name, mode in listing.modes.items():
        entries[name] = kinds.get(mode, Entry(UNKNOWN))
    return Sent(entries, folder, total=total)


def of_index(folder: Path, index: str = "") -> Sent | None:
    """What the repository around a folder would commit of it, None without a repository.

    `index` is the path of another index than the repository's own.
    """
    from de_tasks.repo.environment import developers

    git = Git(None, developers)
    there = git.run("rev-parse", "--absolute-git-dir", cwd=folder)
    if there.returncode:
        return None
    variables = {"GIT_INDEX_FILE": index} if index else {}
    listed = git.run("ls-files", "--stage", "-z", cwd=folder, variables=variables)
    found = [line.partition("\t") for line in filter(None, listed.stdout.split("\0"))]
    blobs = "".join(f"{facts.split()[1]}\n" for facts, _, _ in found)
    asked = git.run("cat-file", "--batch-check=%(objectsize)", stdin=blobs, cwd=folder)
    sizes = asked.stdout.splitlines()
    entries = {}
    for (facts, _, name), size in zip(found, sizes, strict=True):
        mode, blob, _ = facts.split()
        entries[name] = _entry(mode, blob, int(size) if size.isdecimal() else 0)
    return Sent(entries, folder, Git(Path(there.stdout.removesuffix("\n")), developers))


def _entry(mode: str, blob: str, size: int) -> Entry:
    return Entry(size, mode == "100755", mode == LINK, "" if mode == "160000" else blob)


def _inside(folder: Path, name: str) -> Iterator[str]:
    for top, folders, files in os.walk(folder / name):
        if ".git" in folders:
            folders.remove(".git")
        yield from (os.path.relpath(os.path.join(top, file), folder) for file in files)
