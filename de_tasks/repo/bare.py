"""The bare repository behind a deploy, as a folder: made, put in order, made anew.

Whoever works with it holds its lock (see `cache`), so a leftover of git's is what a killed
git left behind. The index is never worked on in place: a command that outlives its killed
parent writes to a copy that nobody looks at any more.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import Timeout

from de_tasks.config.system import remove_tree, replace
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.repo.errors import DISK_FULL
from de_tasks.repo.files import Files
from de_tasks.repo.git import Git

ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"
"""Bytes go up as they are on disk, whatever attributes the folder's own files set."""
STALE_LOCKS = ("HEAD.lock", "config.lock", "shallow.lock", "packed-refs.lock")
MOST_PACKS = 50
"""Git looks for an object in each of them."""
ROOM = 10**9
"""Bytes of earlier deploys that are kept in any case."""
STALE_SECONDS = 3600
"""A half-written pack is older than that only if whoever wrote it is gone."""


@dataclass(frozen=True)
class LastDeploy:
    """The last deploy that was made from here."""

    sha: str
    url: str
    user: str
    tree: str = ""


class Bare:
    """The folder of one deploy repository; `git` runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git = Git(folder)

    def prepare(self) -> None:
        """Make the repository if it is not there, and clear away what a killed git left."""
        if not self.there:
            self._make()
        self.restore_settings()
        for name in STALE_LOCKS:
            (self.folder / name).unlink(missing_ok=True)
        for left in self.folder.glob("index.*"):
            left.unlink(missing_ok=True)
        limit = time.time() - STALE_SECONDS
        for left in (self.folder / "objects" / "pack").glob("tmp_*"):
            if left.stat().st_mtime < limit:
                left.unlink(missing_ok=True)
        self._check_lenders()

    def restore_settings(self) -> None:
        """Undo what a fetch that leaves files out writes: that git may fetch them by itself."""
        made = (self.folder / "config.made").read_bytes()
        config = self.folder / "config"
        if not config.exists() or config.read_bytes() != made:
            config.write_bytes(made)

    def remove(self) -> None:
        """Throw everything away."""
        if self.folder.is_dir():
            remove_tree(self.folder)
        else:
            self.folder.unlink(missing_ok=True)

    @property
    def there(self) -> bool:
        """Whether the repository is there."""
        return (self.folder / "config.made").exists()

    @property
    def fresh(self) -> bool:
        """Whether no folder was read into it yet."""
        return not (self.folder / "index").exists()

    @property
    def plain(self) -> bool:
        """Whether the file system tells links and executable files apart."""
        text = self.folder.joinpath("config.made").read_text("utf-8").lower()
        return not re.search(r"^\s*(filemode|symlinks) = false", text, re.MULTILINE)

    @contextmanager
    def index(self) -> Iterator[dict[str, str]]:
        """Variables that name a copy of the index, which becomes the index at the end."""
        index, copy = self.folder / "index", self.folder / f"index.{os.getpid()}"
        copy.unlink(missing_ok=True)
        if index.exists():
            try:
                # Git replaces an index and never writes into one. The copy must be as old as the
                # index: what changed since then is looked at anew.
                os.link(index, copy)
            except OSError:
                shutil.copy2(index, copy)
        try:
            yield {"GIT_INDEX_FILE": str(copy)}
            if copy.exists():
                replace(copy, index)
        finally:
            # Two names of one file stay two after a rename.
            copy.unlink(missing_ok=True)

    def leave_out(self, patterns: list[str]) -> None:
        """Leave files out, as lines of a .gitignore would."""
        (self.folder / "info" / "exclude").write_text(
            "".join(f"{p}\n" for p in patterns), "utf-8", newline="\n"
        )

    def tidy(self, size: int) -> None:
        """Keep packs few, and everything to a bound that depends on the size of the files."""
        packs = list((self.folder / "objects" / "pack").glob("*.pack"))
        if len(packs) <= MOST_PACKS:
            return
        if sum(pack.stat().st_size for pack in packs) > 3 * size + ROOM:
            # What is read anew is sent no more than what was kept.
            self.remove()
        else:
            self.git("repack", "--geometric=2", "-d", "-q", "--no-write-bitmap-index")

    def lend(self, objects: Path) -> None:
        """Let git find objects where they are; nothing is copied."""
        lenders, path = self._lenders(), objects.as_posix()
        if path not in lenders:
            self._write_lenders([*lenders, path])

    def tree_of(self, sha: str) -> str | None:
        """The tree of a commit, None where it is not here."""
        done = self.git.run("rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}")
        return done.stdout.strip() if done.returncode == 0 else None

    def last(self) -> LastDeploy | None:
        """The last deploy from here, as far as this machine remembers."""
        try:
            return LastDeploy(**json.loads((self.folder / "last-deploy.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, last: LastDeploy) -> None:
        """Remember a deploy."""
        self._keep("last-deploy.json", asdict(last))

    def reading(self) -> Files | None:
        """The files of the index, None where they must be counted."""
        try:
            text = (self.folder / "reading.json").read_text("utf-8")
            index, facts = json.loads(text)
            largest = tuple((name, size) for name, size in facts.pop("largest"))
            found = Files(**facts, largest=largest)
            return found if tuple(index) == self._index_facts() else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def note(self, files: Files) -> None:
        """Note that these are the files of the index."""
        self._keep("reading.json", (self._index_facts(), asdict(files)))

    def _index_facts(self) -> tuple[int, int, int]:
        facts = (self.folder / "index").stat()
        return (facts.st_ino, facts.st_size, facts.st_mtime_ns)

    def _keep(self, name: str, value: object) -> None:
        partial = self.folder / f"{name}.partial"
        with writing(self.folder):
            partial.write_text(json.dumps(value), "utf-8")
            replace(partial, self.folder / name)

    def _make(self) -> None:
        self.remove()
        partial = self.folder.with_name(self.folder.name + ".partial")
        remove_tree(partial)
        partial.mkdir(parents=True, mode=0o700)
        Git(partial)("init", "--quiet", "--bare", "--template=")
        (partial / "info").mkdir(exist_ok=True)
        (partial / "info" / "attributes").write_text(ATTRIBUTES, "utf-8", newline="\n")
        shutil.copyfile(partial / "config", partial / "config.made")
        replace(partial, self.folder)

    def _lenders(self) -> list[str]:
        try:
            return (self.folder / "objects/info/alternates").read_text("utf-8").splitlines()
        except OSError:
            return []

    def _check_lenders(self) -> None:
        lenders = self._lenders()
        there = [path for path in lenders if Path(path).is_dir()]
        if there != lenders:
            self._write_lenders(there)

    def _write_lenders(self, lenders: list[str]) -> None:
        file = self.folder / "objects/info/alternates"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{path}\n" for path in lenders), "utf-8", newline="\n")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what goes wrong while files are written below a cache folder into sentences."""
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DeTasksError(DISK_FULL) from None
        raise UsageError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}. "
            "Set de.cache to a folder that can hold the deploy repositories"
        ) from None
