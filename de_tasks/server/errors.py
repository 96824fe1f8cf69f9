"""What goes wrong in the sandbox alone; all else is in `de_tasks.errors`."""

from __future__ import annotations

from de_tasks.errors import DeTasksError


class Refused(DeTasksError):
    """The platform does not do this; the sentence says why."""


class TryLater(DeTasksError):
    """There was too much of it: the same may succeed after so many `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        """When to try again, for an answer over HTTP."""
        return {"Retry-After": str(self.seconds)}
