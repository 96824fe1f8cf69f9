"""What is deployed, in figures: how many files, how big, which are the largest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from de_tasks.errors import UsageError
from de_tasks.repo.edits import Edit
from de_tasks.repo.errors import Damaged, Failed
from de_tasks.repo.git import Git

LARGEST = 5
BIG = 100 * 1000**2
"""Bytes; of a deploy above that, the largest files are named."""
SIZE = re.compile(r"\n {2}size: (\d+)\t")
ENTRY = re.compile(r"(.*?)\0 {2}ctime:.*?\n {2}size: (\d+)\tflags: \w+\n", re.DOTALL)

PARTIAL = (
    "{} are not in this clone, which is a partial one. "
    "Fetch them first: git fetch --refetch --no-filter"
)


@dataclass(frozen=True)
class Files:
    """What is deployed: a tree, how many files it has, and their size in bytes.

    `changed` counts the files that differ from the last deploy from here, None at the first;
    `largest` are names and sizes of the largest ones, given when the size is big.
    """

    tree: str
    count: int
    size: int
    changed: int | None = None
    largest: tuple[tuple[str, int], ...] = ()


def of_index(git: Git, tree: str, big: int, index: Mapping[str, str]) -> Files:
    """The files of the index that variables name, which has this tree.

    Sizes are those that the index has: asking for the objects would take much longer. Raises
    `UsageError` where there are no files.
    """
    listing = git("ls-files", "--debug", "-z", variables=index)
    sizes = [int(size) for size in SIZE.findall(listing)]
    names = [name for name, _ in ENTRY.findall(listing)] if sum(sizes) > big else []
    return _files(tree, sizes, names, big)


def of_tree(git: Git, tree: str, big: int) -> Files:
    """The files of a commit's tree.

    Raises `UsageError` for one that has a submodule, or files that are not in this clone.
    """
    try:
        listing = git("ls-tree", "-r", "-l", "-z", tree)
    except (Damaged, Failed):
        raise UsageError(PARTIAL.format("Folders")) from None
    entries = [entry.partition("\t") for entry in listing.split("\0") if entry]
    links = [name for facts, _, name in entries if facts.startswith("160000")]
    if links:
        raise UsageError(
            f"{links[0]} is a submodule, whose files are not in the commit. "
            "Check it out and deploy the folder, without --ref"
        )
    sizes = [facts.split()[3] for facts, _, _ in entries]
    if missing := sizes.count("BAD"):
        raise UsageError(PARTIAL.format(f"{missing} of its {len(sizes)} files"))
    return _files(tree, list(map(int, sizes)), [name for _, _, name in entries], big)


def updated(files: Files, tree: str, edited: Sequence[Edit], before: int, big: int) -> Files | None:
    """The files after some were edited, which had `before` bytes until then.

    None where the largest ones are not known without looking at all.
    """
    kept = {edit.path: len(edit.content) for edit in edited if edit.mode}
    added = sum(not edit.before for edit in edited)
    gone = sum(not edit.mode for edit in edited)
    size = files.size - before + sum(kept.values())
    largest = dict(files.largest)
    if size > big:
        least = min(largest.values(), default=size)
        if any(kept.get(edit.path, 0) < least for edit in edited if edit.path in largest):
            return None
        if not largest:
            return None
        largest |= {path: size for path, size in kept.items() if size > least or path in largest}
    return _made(tree, files.count + added - gone, size, list(largest.items()), big)


def _files(tree: str, sizes: list[int], names: list[str], big: int) -> Files:
    total = sum(sizes)
    named = list(zip(names, sizes, strict=True)) if total > big else []
    return _made(tree, len(sizes), total, named, big)


def _made(tree: str, count: int, size: int, named: list[tuple[str, int]], big: int) -> Files:
    if not count:
        raise UsageError(
            "The folder has no files to deploy: what is in it is empty, or left out by .gitignore."
        )
    largest = sorted(named, key=lambda item: -item[1])[:LARGEST] if size > big else []
    return Files(tree, count, size, largest=tuple(largest))
