"""What git's index knows of the files that it has written (gitformat-index(5), version 2)."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import NamedTuple

HEADER = struct.Struct(">4sII")
ENTRY = struct.Struct(">10I20sH")
NAME_LENGTH = 0xFFF
LOW = 0xFFFFFFFF
"""The index keeps the lower 32 bits of what `lstat` says."""
SECOND = 10**9
TICK = SECOND // 10
"""Longer than any clock of a kernel stands still between two changes of a file."""


Seen = tuple[int, int, int, int, int, int, int]


def seen(found: os.stat_result) -> Seen:
    """What tells whether anybody has touched a file since.

    Its content can be changed and its time of modification set back, but not the time of that
    (inode(7), ctime), which a further name for it and another mode change too.
    """
    return (
        found.st_ctime_ns,
        found.st_mtime_ns,
        found.st_ino & LOW,
        found.st_uid & LOW,
        found.st_gid & LOW,
        found.st_size & LOW,
        stat.S_IFMT(found.st_mode),
    )


class Written(NamedTuple):
    """A file as git left it: mode and blob, and what was seen of it then."""

    what: tuple[int, str]
    seen: Seen


def read_index(path: Path) -> dict[str, Written]:
    """The files of an index by their paths.

    Left out are those that were written so shortly before the index that a later change may bear
    the same time, and those of a file system that counts whole seconds. Raises `ValueError` where
    the file is something else, else `OSError`.
    """
    with path.open("rb") as stream:
        until = os.fstat(stream.fileno()).st_mtime_ns - TICK
        data = stream.read()
    try:
        return _entries(data, until)
    except (struct.error, IndexError) as error:
        raise ValueError(f"{path} is damaged.") from error


def _entries(data: bytes, until: int) -> dict[str, Written]:
    name, version, count = HEADER.unpack_from(data)
    if (name, version) != (b"DIRC", 2):
        raise ValueError("This is no index of version 2.")
    found, at = {}, HEADER.size
    for _ in range(count):
        c, c_ns, m, m_ns, _, number, mode, user, group, size, blob, flags = ENTRY.unpack_from(
            data, at
        )
        begin = at + ENTRY.size
        length = flags & NAME_LENGTH
        end = begin + length if length < NAME_LENGTH else data.index(b"\0", begin)
        changed = c * SECOND + c_ns
        if changed < until and c_ns:
            then = (changed, m * SECOND + m_ns, number, user, group, size, stat.S_IFMT(mode))
            found[os.fsdecode(data[begin:end])] = Written((mode, blob.hex()), then)
        # Each entry is padded with one to eight zeros, to a multiple of eight.
        at += (end - at + 8) & ~7
    return found
