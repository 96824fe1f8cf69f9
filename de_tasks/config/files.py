"""Where a project keeps its configuration. Imports next to nothing: git hooks begin here."""

from __future__ import annotations

import os

CONFIGURATION = ("invoke.yaml", "invoke.yml", "invoke.json", "invoke.py")

FILES = (*CONFIGURATION, "tasks.py")
"""Those of a project, in the folder that relative paths of its configuration start from."""


def nearest(folder: str, names: tuple[str, ...] = CONFIGURATION) -> str | None:
    """The nearest folder with a file of these names, from `folder` upwards; None without one."""
    here = os.path.abspath(folder)
    while not any(os.path.isfile(os.path.join(here, name)) for name in names):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return here


def top() -> str:
    """The folder around this one where the project's configuration lies, else this one."""
    return nearest(".", FILES) or os.path.abspath(".")
