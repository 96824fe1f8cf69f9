"""`de` with the app's git beside it: what was deployed is told by the commits that are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from de_tasks.errors import NotFound
from de_tasks.platform.de.command import De
from de_tasks.platform.de.git_transport import GitTransport
from de_tasks.platform.de.platform import VendorPlatform
from de_tasks.platform.models import FINISHED, UNTOLD, App, Build
from de_tasks.repo.commits import DeployedCommit, commits

LINES = 1000
"""Lines of the log that each look at a build asks for."""


class GitPlatform(VendorPlatform):
    """A Dash Enterprise 5 that takes pushes of our own; all else goes through `de`.

    Builds are numbered as the commits are that are there: `de deploy` begins anew. How one ended
    `de` tells of the last one alone.
    """

    def __init__(self, de: De, git: GitTransport) -> None:
        super().__init__(de)
        self._git = git
        self._noted: set[str] = set()
        self._begun: set[str] = set()

    def app(self, name: str, dated: bool = False) -> App | None:
        app = super().app(name, dated)
        if app is None:
            return None
        self.note_log(name)
        last = next(iter(self._commits(name, 1)), None)
        # Its number is not known without the others.
        build = _build(last, app.build.status if app.build else UNTOLD, "") if last else app.build
        return replace(app, git_url=self._git.url(name), build=build)

    def create_app(self, name: str) -> App:
        made = super().create_app(name)
        self._git.forget(name)
        return replace(made, git_url=self._git.url(name))

    def note_log(self, name: str) -> None:
        """Note what the log says before a push, once: what it says then is no new build's."""
        if name in self._noted:
            return
        self._noted.add(name)
        try:
            super().build(name, after="seen", count=LINES)
        except NotFound:
            return

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        """The build of the last push, None until it is seen.

        `de` does not tell whose build it speaks of. It counts as the push's own once it was seen
        at work, or once the log has changed.
        """
        self.note_log(name)
        build = super().build(name, after="seen", count=LINES)
        if build is None:
            return None
        if build.log.lines or build.status not in FINISHED:
            self._begun.add(name)
        return build if name in self._begun else None

    def builds(self, name: str) -> Iterator[Build]:
        status = self._status(name)
        there = list(self._commits(name))
        for newer, commit in enumerate(there):
            yield _build(commit, UNTOLD if newer else status, str(len(there) - newer))

    def _commits(self, name: str, count: int | None = None) -> Iterator[DeployedCommit]:
        remote = self._git.remote(self._git.url(name), self._git.values.branch)
        return commits(remote, count)


def _build(commit: DeployedCommit, status: str, number: str) -> Build:
    return Build(
        id=number,
        status=status,
        sha=commit.sha,
        message=commit.message,
        author=commit.author,
        queued_at=commit.time,
    )
