"""Projects with a lock."""

from __future__ import annotations

import subprocess
from pathlib import Path

from uv import find_uv_bin

PROJECT = """
[project]
name = "locked"
version = "1"
requires-python = ">=3.10"
dependencies = ["gunicorn"]

[dependency-groups]
dev = ["idna"]

"""


def lock(folder: Path) -> Path:
    """Lock a project with what the wheelhouse has."""
    done = subprocess.run(
        [find_uv_bin(), "lock", "--offline", "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder
