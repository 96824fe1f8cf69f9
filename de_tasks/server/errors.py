"""What goes wrong in the sandbox alone; all else is in `de_tasks.errors`."""

from __future__ import annotations

from de_tasks.errors import DeTasksError


class Refused(DeTasksError):
    """The platform does not do this; the sentence says why."""
