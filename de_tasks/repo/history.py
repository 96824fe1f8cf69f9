"""What was deployed before, fetched from the remote as far as it is needed here."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator

from de_tasks.errors import DeTasksError, NotPermitted
from de_tasks.repo.bare import Bare
from de_tasks.repo.errors import Failed
from de_tasks.repo.remote import Remote

FEW, SMALL = 1000, 16 * 1024**2
"""Files, and bytes of one: larger ones are never sent as a difference."""
FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")


class Past:
    """Earlier deploys, fetched into a deploy repository where they are missing."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._git = bare.git

    def need(self, sha: str, remote: Remote) -> bool:
        """Fetch a commit that is not here, with the names of its files and not their content.

        Whether it is here then: a server may not give out what it has.
        """
        if self._bare.tree_of(sha):
            return True
        try:
            self._git.reach(remote, *FETCH, "--depth=1", "--filter=blob:none", remote.url, sha)
        except (Failed, NotPermitted):
            return False
        finally:
            self._bare.restore_settings()
        return bool(self._bare.tree_of(sha))

    def differing(self, before: str, after: str) -> int | None:
        """How many files differ between two trees or commits; None when one is not here."""
        options = ("-r", "--name-only", "-z", "--no-renames")
        done = self._git.run("diff-tree", *options, before, after)
        return None if done.returncode else done.stdout.count("\0")

    def complete(self, remote: Remote, before: str, after: str) -> None:
        """Fetch the content of the files of `after` that differ from those of `before`."""
        self._fetch(remote, {new for _, new in self._changes(before, after) if new})

    def bases(self, remote: Remote, before: str, after: str) -> None:
        """Fetch what files of `before` were that are changed in `after`, where that is little.

        Against them git sends what differs in a file, and not the file.
        """
        changed = {new: old for old, new in self._changes(before, after) if old and new}
        facts = self._facts("%(objectname) %(objectsize)", changed)
        small = {name for name, size in facts.items() if size.isdecimal() and int(size) < SMALL}
        if 0 < len(small) <= FEW:
            with contextlib.suppress(DeTasksError):
                self._fetch(remote, {changed[name] for name in small})

    def _fetch(self, remote: Remote, wanted: Collection[str]) -> None:
        facts = self._facts("%(objectname) %(objecttype)", wanted)
        missing = [name for name, kind in facts.items() if kind == "missing"]
        if missing:
            listed = "".join(f"{name}\n" for name in missing)
            self._git.reach(remote, *FETCH, "--stdin", remote.url, stdin=listed)

    def _changes(self, before: str, after: str) -> Iterator[tuple[str, str]]:
        """Hashes of the files that differ, before and after; empty where there is none."""
        listing = self._git("diff-tree", "-r", "--raw", "-z", "--no-renames", before, after)
        for entry in listing.split("\0"):
            if entry.startswith(":"):
                _, _, old, new, _ = entry.split()
                yield old if old.strip("0") else "", new if new.strip("0") else ""

    def _facts(self, form: str, names: Iterable[str]) -> dict[str, str]:
        listed = "".join(f"{name}\n" for name in names)
        found = self._git("cat-file", f"--batch-check={form}", stdin=listed)
        return dict(line.split(" ") for line in found.splitlines())
