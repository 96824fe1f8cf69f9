"""invoke's configuration, whose faults are named by their place."""

from __future__ import annotations

import functools
import os

import invoke

from de_tasks.config.faults import located
from de_tasks.config.files import top


def locate_faults() -> None:
    """Let invoke say where a project's file is wrong, in place of a traceback.

    It reads the file after tasks.py, and so after us, but before any code of ours is called.
    """
    load = invoke.Config.load_project
    if hasattr(load, "__wrapped__"):
        return

    @functools.wraps(load)
    def load_project(self: invoke.Config, merge: bool = True) -> None:
        prefix = getattr(self, "_project_prefix", None) or os.path.join(top(), "")
        with located(f"{prefix}invoke"):
            load(self, merge)

    invoke.Config.load_project = load_project  # type: ignore[method-assign]
