"""Files that only their owner can read, and the removal of many."""

from __future__ import annotations

import asyncio
import os
import shutil
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
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
