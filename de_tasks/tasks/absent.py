"""Groups of the vendor's program that are not here: recognised, and answered in a sentence."""

from __future__ import annotations

from de_tasks.errors import NotAvailable

GROUPS = {"workspaces": "Workspaces", "data-sources": "Data sources"}


def refuse(command: str) -> None:
    """Raise `NotAvailable` for a command of such a group; do nothing for any other."""
    title = GROUPS.get(command.partition(".")[0])
    if title:
        raise NotAvailable(f"{title} are not available here: use the vendor's `de` 1.10 or newer.")
