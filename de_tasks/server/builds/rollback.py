"""Rolling back: an earlier build's files as a new deploy on top of the present one.

The history is the one that a client's `rollback` leaves, which pushes such a commit.
"""

from __future__ import annotations

import sqlite3

from de_tasks.errors import DeTasksError, NotFound
from de_tasks.server.builds.queue import Builds
from de_tasks.server.builds.repositories import Overtaken, Repositories
from de_tasks.server.errors import Refused
from de_tasks.server.runtime.app import App

LONGEST_SUBJECT = 200
LONGEST_SOURCE = 300
SOURCE = "De-Source: "
FROM = "De-From: App Manager"
"""Where the deploy comes from; a client names its machine."""


class Rollback:
    """Puts earlier builds back."""

    def __init__(self, repositories: Repositories, builds: Builds) -> None:
        self._repositories = repositories
        self._builds = builds

    async def to(self, app: App, number: str, user: str) -> int:
        """Deploy the files of that build again; returns the number of the new build.

        Raises `NotFound` for a number that no build of the app has, `Refused` for a build that
        has not succeeded, for one whose files are gone, and where somebody deploys meanwhile.
        """
        row = self._builds.numbered(app.id, number)
        if row is None:
            raise NotFound(f"App {app.name} has no build {number}.")
        if row["status"] != "built":
            raise Refused(f"Build {number} of {app.name} did not succeed. Choose another build.")
        await self._repositories.ready(app.id)
        head = await self._repositories.head(app.id)
        last = self._builds.last(app.id)
        if last is None or last["sha"] != head:
            # A push has moved the branch, and its build is about to be queued.
            raise Refused(_overtaken(app))
        try:
            sha = await self._repositories.again(app.id, row["sha"], head, message_of(row), user)
            await self._repositories.move(app.id, sha, head)
        except NotFound as error:
            raise Refused(f"The files of build {number} of {app.name} are gone.") from error
        except Overtaken as error:
            raise Refused(_overtaken(app)) from error
        except DeTasksError as error:
            raise Refused(f"{app.name} was not rolled back: {error}") from error
        return await self._builds.enqueue(app, sha, user)


def _overtaken(app: App) -> str:
    return f"Somebody has just deployed {app.name}. Check its builds and try again."


def message_of(row: sqlite3.Row) -> str:
    """The message of the commit that puts a build back."""
    subject, *lines = row["message"].splitlines() or [""]
    source = [line[:LONGEST_SOURCE] for line in lines if line.startswith(SOURCE)][-1:]
    title = f"Roll back to build {row['id']}: {subject[:LONGEST_SUBJECT]}"
    return "\n".join([title, "", *source, FROM])
