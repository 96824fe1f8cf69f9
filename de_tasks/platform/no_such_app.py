"""An app that is not there, or not for this user."""

from __future__ import annotations

from de_tasks.errors import NotFound
from de_tasks.terminal.commands import typed


def no_such_app(name: str, host: str, deploy: bool = False) -> NotFound:
    """The error in the reference's sentence, with what to type next: which apps there are, and
    where that helps, how to `deploy` this one."""
    words = f"App [{name}] does not exist on [{host}].\n"
    if deploy:
        words += f"Deploy it: {typed(f'deploy --name {name}')}\n"
    return NotFound(f"{words}Your apps: {typed('apps.list')}")
