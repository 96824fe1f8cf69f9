"""File systems that are too small, and files that may not be read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def small_disk(folder: Path, command: list[str], size: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a namespace where `folder` is a file system of `size`."""
    folder.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o size={size} t "$0" && exec "$@"'
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, folder, *command],
        cwd=folder.parent,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def bound(command: list[str]) -> list[str]:
    """The command as somebody runs it whom permissions stop, also where that is root."""
    if os.geteuid():
        return command
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
