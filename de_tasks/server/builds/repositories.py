"""The bare git repositories that apps are pushed to, one per app."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from de_tasks.errors import DeTasksError, NotFound, UsageError
from de_tasks.server.builds.recycling import Listing
from de_tasks.server.files import remove_tree
from de_tasks.server.runtime.processes import Leash, kill

BRANCH = "refs/heads/master"
PIECE = 64 * 1024
MOST_FILES = 100_000
MOST_OF_NAMES = 64 * 1024**2
MEMORY = 1024**2
"""KiB of data for one git process: objects made to be unpacked into memory end it, not us."""
LONGEST_MESSAGE = 20_000
LONGEST_AUTHOR = 200
"""Characters of a commit that are recorded."""
MOST_OF_COMMIT = 4 * (LONGEST_MESSAGE + LONGEST_AUTHOR) + PIECE
"""Bytes of what git says of it that are read."""
LONGEST_REASON = 300
"""Characters of what git says of a failure."""
LIMITED_GIT = ("/bin/sh", "-c", f'ulimit -d {MEMORY} 2>/dev/null; exec git "$@"', "git")
OLD_SLIPS = ("zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone", "missingEmail")

# Bytes are deployed as they were pushed, whatever attributes the app's own tree sets.
ATTRIBUTES = "* -text -filter -ident -working-tree-encoding -export-ignore -export-subst\n"


@dataclass(frozen=True)
class CommitInfo:
    """What is recorded of a pushed commit: message and author up to a length, since whoever pushes
    writes them. `date` is UTC as the API writes it."""

    sha: str
    message: str
    author: str
    date: str


class Overtaken(DeTasksError):
    """Somebody else has moved the deployed branch, or is about to."""


class Repositories:
    """Repositories below one folder, named by the app's number."""

    def __init__(self, folder: Path, hooks: Path, push_limit: int, leash: Leash) -> None:
        self.folder = folder
        self.push_limit = push_limit
        self._size_limit = 2 * push_limit
        self._leash = leash
        self._ready: set[int] = set()
        self._arranging: dict[int, asyncio.Lock] = {}
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "core.hooksPath": str(hooks),
            # Packs are kept as they come, and large files never come into memory.
            "receive.unpackLimit": "1",
            "core.bigFileThreshold": "16m",
            "receive.maxInputSize": str(push_limit),
            "receive.autogc": "false",
            # No paths that leave the tree, nothing named .git; but old repositories with
            # harmless slips of old gits may be deployed.
            "receive.fsckObjects": "true",
            **{f"receive.fsck.{slip}": "ignore" for slip in OLD_SLIPS},
            "http.receivepack": "true",
            "safe.directory": "*",
            # What `git_index.py` reads.
            "index.version": "2",
            "protocol.version": "2",
            # A client that rolls back asks for one earlier deploy, not for all of them.
            "uploadpack.allowReachableSHA1InWant": "true",
        }
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(config)),
        }
        for number, (key, value) in enumerate(config.items()):
            self.environment[f"GIT_CONFIG_KEY_{number}"] = key
            self.environment[f"GIT_CONFIG_VALUE_{number}"] = value

    def path(self, app_id: int) -> Path:
        """Folder of the app's bare repository."""
        return self.folder / f"{app_id}.git"

    def numbers(self) -> set[int]:
        """The apps that have a repository."""
        names = (path.name.removesuffix(".git") for path in self.folder.glob("*.git"))
        return {int(name) for name in names if name.isdigit()}

    async def ready(self, app_id: int) -> None:
        """Have the app's repository ready for git: made when it is first asked for, and at the
        first time of a run rid of what a killed push left behind."""
        async with self._arranging.setdefault(app_id, asyncio.Lock()):
            if app_id not in self._ready:
                if self.path(app_id).exists():
                    await asyncio.to_thread(self._tidy, app_id)
                else:
                    await self._create(app_id)
                self._ready.add(app_id)

    async def _create(self, app_id: int) -> None:
        path = self.path(app_id)
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        bare = ("--bare", "--template=", "-b", "master")
        await self._git(None, "init", "--quiet", *bare, str(partial))
        (partial / "info").mkdir(exist_ok=True)
        (partial / "indexes").mkdir()
        (partial / "info" / "attributes").write_text(ATTRIBUTES)
        partial.rename(path)

    def _tidy(self, app_id: int) -> None:
        objects = self.path(app_id) / "objects"
        for pattern in ("tmp_*", "pack/tmp_*", "pack/.tmp*"):
            for path in objects.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in (*self.path(app_id).glob("*.lock"), *self.path(app_id).glob("refs/**/*.lock")):
            path.unlink()

    async def remove(self, app_id: int) -> None:
        """Delete the repository."""
        self._ready.discard(app_id)
        await remove_tree(self.path(app_id))

    async def head(self, app_id: int) -> str | None:
        """Hash of the last pushed commit, None before the first push."""
        # Read as git keeps it, unless somebody has packed it: a git for each of thousands of
        # apps would keep the sandbox from starting.
        ref = self.path(app_id) / BRANCH
        if ref.is_file():
            return ref.read_text("ascii").strip()
        if not (self.path(app_id) / "packed-refs").exists():
            return None
        out = await self._git(app_id, "for-each-ref", "--format=%(objectname)", BRANCH)
        return out.strip() or None

    async def commit(self, app_id: int, sha: str) -> CommitInfo:
        """What git knows of a commit."""
        # git ends with two dots what it cuts.
        form = f"--format=%cd%x00%<({LONGEST_AUTHOR + 2},trunc)%an%x00%B"
        date = "--date=format-local:%Y-%m-%dT%H:%M:%S.000000"
        # Not `show`: it looks through the whole tree even where it shows none of it.
        words = ("log", "-1", "--no-color", form, date, sha)
        out = b""
        async with self._started(app_id, *words) as child:
            assert child.stdout
            while len(out) < MOST_OF_COMMIT and (piece := await child.stdout.read(PIECE)):
                out += piece
        when, *said = out.decode("utf-8", "replace").split("\0", 2)
        if len(said) < 2:
            raise DeTasksError(f"git cannot read the commit {sha}.")
        author, message = said[0].strip()[:LONGEST_AUTHOR], said[1].strip()[:LONGEST_MESSAGE]
        return CommitInfo(sha, message, author, when)

    async def again(
        self, app_id: int, sha: str, parent: str | None, message: str, user: str
    ) -> str:
        """A new commit of the user's with the files of another, on top of `parent`. Raises
        `DeTasksError` with what git says, `NotFound` where the files are gone."""
        identity = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", user), ("EMAIL", f"{user}@de-tasks.invalid"))
        }
        parents = ("-p", parent) if parent else ()
        made = ("commit-tree", f"{sha}^{{tree}}", *parents, "-m", message)
        try:
            return (await self._git(app_id, *made, extra=identity)).strip()
        except DeTasksError as error:
            try:
                await self._git(app_id, "cat-file", "-e", f"{sha}^{{tree}}")
            except DeTasksError:
                raise NotFound(f"The files of the commit {sha} are gone.") from error
            raise

    async def move(self, app_id: int, sha: str, expected: str | None) -> None:
        """Let the deployed branch be at a commit. Raises `Overtaken` where it is not, or no more,
        where it is `expected` to be, or somebody is about to move it; `DeTasksError` with what git
        says of anything else."""
        try:
            await self._git(app_id, "update-ref", BRANCH, sha, expected or "0" * len(sha))
        except DeTasksError as error:
            locked = (self.path(app_id) / f"{BRANCH}.lock").exists()
            if locked or await self.head(app_id) != expected:
                raise Overtaken("The branch was moved by somebody else.") from error
            raise

    def index(self, app_id: int, number: int) -> Path:
        """What git keeps of the files that it has written into a folder of this number."""
        return self.path(app_id) / "indexes" / str(number)

    async def listing(self, app_id: int, sha: str) -> Listing:
        """The files of a commit. Raises `UsageError` for one with too many or too large ones."""
        # Look before unpacking: a few objects that name one another make any number of files.
        found, size, rest = Listing(), 0, b""
        async with self._started(app_id, "ls-tree", "-r", "-l", "-z", sha) as child:
            assert child.stdout
            while piece := await child.stdout.read(PIECE):
                *entries, rest = (rest + piece).split(b"\0")
                for entry in entries:
                    size += _add(entry, found)
                if len(found.files) > MOST_FILES or size > self._size_limit:
                    raise UsageError(
                        f"The commit has more than {MOST_FILES} files, or more than "
                        f"{self._size_limit} bytes: no app needs that much."
                    )
                if found.length > MOST_OF_NAMES:
                    raise UsageError(
                        f"The names of the commit's files and folders are longer than "
                        f"{MOST_OF_NAMES} bytes in all: no app needs that much."
                    )
            if await child.wait():
                raise UsageError("git cannot read the files of this commit.")
        return found

    async def write(self, app_id: int, sha: str, folder: Path, index: Path) -> None:
        """Write those files of a commit that are not in the folder yet, by its index."""
        extra = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(folder)}
        # Of a git that was killed; nobody else writes the indexes of an app meanwhile.
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
        await self._git(app_id, "read-tree", "--reset", "-u", sha, extra=extra)

    @asynccontextmanager
    async def _started(
        self, app_id: int | None, *arguments: str, extra: dict[str, str] | None = None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        environment = {**self.environment, **(extra or {})}
        if app_id is not None:
            environment["GIT_DIR"] = str(self.path(app_id))
        child = await self._leash.start(
            *LIMITED_GIT,
            *arguments,
            folder=self.folder,
            environment=environment,
            stderr=subprocess.PIPE,
        )
        try:
            yield child
        finally:
            await kill(child)
            self._leash.remove(child.pid)

    async def _git(
        self, app_id: int | None, *arguments: str, extra: dict[str, str] | None = None
    ) -> str:
        async with self._started(app_id, *arguments, extra=extra) as child:
            out, err = await child.communicate()
        if child.returncode != 0:
            reason = " ".join(err[: 4 * LONGEST_REASON].decode("utf-8", "replace").split())
            reason = "".join(c if c.isprintable() else "?" for c in reason[:LONGEST_REASON])
            raise DeTasksError(f"git {arguments[0]} failed: {reason}")
        return out.decode("utf-8", "replace")


def _add(entry: bytes, listing: Listing) -> int:
    """Note a line of `ls-tree`; returns the size of the file."""
    # "100644 blob <hash> <size>\t<path>"; a submodule has "-" for a size.
    said, _, path = entry.partition(b"\t")
    mode, _, blob, size = said.split()
    listing.add(os.fsdecode(path), int(mode, 8), blob.decode("ascii"))
    return int(size) if size.isdigit() else 0
