"""Opens a page in the browser of the person who types, where there is one."""

from __future__ import annotations

import subprocess
import sys

from de_tasks.config.environment import has_browser, without_secrets
from de_tasks.config.system import TREE


def open_page(address: str) -> bool:
    """Open a page of the web; returns at once, False where nobody could see it.

    In a process of its own: some browsers return only when they are closed, some write to the
    terminal, and none needs the secrets of our environment.
    """
    # A browser takes `file:` and `javascript:` too, and an option for what begins like one.
    if not has_browser() or not address.startswith(("https://", "http://")):
        return False
    subprocess.Popen(
        # Isolated: Python's modules, and none from the folder that we stand in.
        [sys.executable, "-I", "-m", "webbrowser", address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=without_secrets(),
        **TREE,
    )
    return True
