"""The names in a tree: read once, and brought up to date by what differs."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from de_tasks.config.system import replace
from de_tasks.errors import DeTasksError
from de_tasks.repo.git import Git

FILE = "listing"
MOST_CHANGED = 500
"""Names that are read again and again as a difference, before all are."""
BLOB = re.compile(r"\0(\d{6}) blob [0-9a-f]+(?=\t)")
NAME = re.compile(r"\t([^\0]*)")
"""No mode has a tab, and a name may have more."""
PLAIN = "100644"


class Listing:
    """The names in a tree, with the modes of those that are not plain files."""

    def __init__(self, names: list[str], modes: dict[str, str]) -> None:
        self.names = names
        self.modes = modes


def of_tree(git: Git, tree: str, folder: Path) -> Listing:
    """The names in a tree; what is kept of an earlier one in `folder` saves most of the reading.

    Raises an error of the tree where git cannot read it.
    """
    kept = _kept(folder)
    if kept:
        base, text = kept
        with contextlib.suppress(DeTasksError, ValueError):
            changed = [] if base == tree else _changed(git, base, tree)
            if len(changed) <= MOST_CHANGED:
                return _with(_read(text), changed)
    text = BLOB.sub(r"\0\1", "\0" + git("ls-tree", "-r", "-z", tree))
    _keep(folder, tree, text)
    return _read(text)


def _kept(folder: Path) -> tuple[str, str] | None:
    try:
        data = (folder / FILE).read_bytes()
    except OSError:
        return None
    head, _, text = data.decode("utf-8", "surrogateescape").partition("\n")
    tree, _, length = head.partition(" ")
    # After a crash of the machine some of it may be missing.
    return (tree, text) if length == str(len(text)) else None


def _keep(folder: Path, tree: str, text: str) -> None:
    made = folder / f"{FILE}.{secrets.token_hex(4)}"
    # Without it the next reading takes longer, and nothing else.
    with contextlib.suppress(OSError):
        made.write_bytes(f"{tree} {len(text)}\n{text}".encode("utf-8", "surrogateescape"))
        replace(made, folder / FILE)
    with contextlib.suppress(OSError):
        made.unlink()


def _changed(git: Git, base: str, tree: str) -> list[tuple[str, str]]:
    """Names with their modes in the second tree, empty for those that it has no more."""
    parts = git("diff-tree", "-r", "-z", "--raw", "--no-renames", base, tree).split("\0")
    found = []
    for facts, name in zip(parts[:-1:2], parts[1::2], strict=True):
        _, mode, _, _, status = facts.split()
        found.append((name, "" if status == "D" else mode))
    return found


def _read(text: str) -> Listing:
    # Of thousands of files few are anything but plain, and a search finds these.
    modes: dict[str, str] = {}
    for mode in ("100755", "120000", "160000"):
        modes |= dict.fromkeys(_of_mode(text, mode), mode)
    return Listing(NAME.findall(text), modes)


def _of_mode(text: str, mode: str) -> Iterator[str]:
    at = text.find(f"\0{mode}\t")
    while at >= 0:
        end = text.find("\0", at + 1)
        yield text[at + len(mode) + 2 : end]
        at = text.find(f"\0{mode}\t", end)


def _with(listing: Listing, changed: list[tuple[str, str]]) -> Listing:
    if not changed:
        return listing
    names = dict.fromkeys(listing.names)
    for name, mode in changed:
        listing.modes.pop(name, None)
        if not mode:
            del names[name]
            continue
        names[name] = None
        if mode != PLAIN:
            listing.modes[name] = mode
    return Listing(list(names), listing.modes)
