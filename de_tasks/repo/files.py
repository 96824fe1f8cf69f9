"""What is deployed, in figures: how many files, how big, which are the largest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from de_tasks.errors import UsageError
from de_tasks.repo.git import Git
from de_tasks.repo.refusal import Damaged, Failed

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


def of_index(git: Git, tree: str, big: int) -> Files:
    """The files of the index, which has this tree.

    Sizes are those that the index has: asking for the objects would take much longer. Raises
    `UsageError` where there are no files.
    """
    listing = git("ls-files", "--debug", "-z")
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


def differing(git: Git, before: str, after: str) -> int:
    """How many files differ between two trees or commits."""
    return git("diff-tree", "-r", "--name-only", "-z", "--no-renames", before, after).count("\0")


def _files(tree: str, sizes: list[int], names: list[str], big: int) -> Files:
    if not sizes:
        raise UsageError(
            "The folder has no files to deploy: what is in it is empty, or left out by .gitignore."
        )
    total = sum(sizes)
    largest: list[tuple[str, int]] = []
    if total > big:
        largest = sorted(zip(names, sizes, strict=True), key=lambda i: -i[1])[:LARGEST]
    return Files(tree, len(sizes), total, largest=tuple(largest))
