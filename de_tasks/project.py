"""Where a project keeps its configuration. Imports next to nothing: git hooks begin here."""

from __future__ import annotations

import os

CONFIGURATION = ("invoke.yaml", "invoke.yml", "invoke.json", "invoke.py")


def nearest(folder: str) -> str | None:
    """The nearest folder with an invoke configuration, from `folder` upwards; None without one."""
    here = os.path.abspath(folder)
    while not any(os.path.isfile(os.path.join(here, name)) for name in CONFIGURATION):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return here
