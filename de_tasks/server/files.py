"""Files that only their owner can read, and the removal of many."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its creation on, all or nothing."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


async def remove_tree(folder: Path) -> None:
    """Delete a folder with all that is in it, which may take a while, beside the event loop."""
    await asyncio.to_thread(remove, folder)


def remove(folder: Path) -> None:
    """Delete a folder with all that is in it, or a file in its place, as far as that is possible.

    Folders that nobody may write to and such as are nested deeper than a path can say go as well;
    links are not followed.
    """
    with suppress(OSError):
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
            return
        folder.chmod(0o700)
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _empty(top)
        finally:
            os.close(top)
        folder.rmdir()


def _empty(top: int) -> None:
    """Delete what is in a folder. Each folder below it is brought up to it before."""
    mark, moved = secrets.token_hex(8), 0
    stubborn: set[str] = set()
    while names := [name for name in os.listdir(top) if name not in stubborn]:
        for name in names:
            try:
                if not _is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
                try:
                    for child in os.listdir(inner):
                        moved += 1
                        with suppress(OSError):
                            if _is_folder(child, inner):
                                to = f"{mark}-{moved}"
                                os.rename(child, to, src_dir_fd=inner, dst_dir_fd=top)
                            else:
                                os.unlink(child, dir_fd=inner)
                finally:
                    os.close(inner)
                os.rmdir(name, dir_fd=top)
            except OSError:
                stubborn.add(name)


def _is_folder(name: str, parent: int) -> bool:
    """Whether it is one, which we may read and write to then."""
    mode = os.lstat(name, dir_fd=parent).st_mode
    if not stat.S_ISDIR(mode):
        return False
    if mode & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=parent)
    return True
