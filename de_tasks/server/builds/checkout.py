"""The files of a build: in the folder of an old release where there is one, else in a new one.

Work goes on in a folder that is no release's, and that is removed when the sandbox starts: one
that was begun is never served.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from de_tasks.errors import DeTasksError
from de_tasks.server.builds.git_index import Written, read_index
from de_tasks.server.builds.recycling import Listing, NotAlike, Recycling
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.files import remove_tree
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.folders import numbered, own_folder, workshop
from de_tasks.server.runtime.strays import somebody_in

SPARE = 0
"""The number of a folder that no build has: that of one that failed, or one made in advance."""
WORTH_A_SPARE = 2_000
"""Files of which the first release leaves a second folder behind, for the next to be quick too."""

logger = logging.getLogger(__name__)


class Checkouts:
    """Writes the files of commits into folders of releases."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def make(self, app: App, sha: str, build_id: int, live: int | None) -> int:
        """Have the files of a commit in the folder of a build; returns how many there are.

        `live` is the release that serves, or is about to. Raises `UsageError` for a commit with
        too many or too large files.
        """
        await remove_tree(app.release_folder(build_id))
        old = await asyncio.to_thread(self._unused, app, {build_id, live})
        listing, known = await asyncio.gather(
            self._repositories.listing(app.id, sha), asyncio.to_thread(self._known, app, old)
        )
        async with _working(app):
            if old is None or not await self._recycle(app, sha, listing, known, old, build_id):
                await self._anew(app, sha, build_id)
        return len(listing.files)

    async def set_aside(self, app: App, build_id: int) -> None:
        """Keep the folder of a build that failed for the next one, or delete it."""
        folder = app.release_folder(build_id)
        index = self._repositories.index(app.id, build_id)
        spare = app.release_folder(SPARE)
        if index.exists() and folder.exists() and not spare.exists():
            index.replace(self._repositories.index(app.id, SPARE))
            folder.rename(spare)
        else:
            await remove_tree(folder)

    async def prepare(self, app: App, sha: str, files: int) -> None:
        """Make a folder for the next build of an app with many files that has but one."""
        if files >= WORTH_A_SPARE and len(numbered(app)) == 1:
            async with _working(app):
                await self._anew(app, sha, SPARE)

    async def tidy(self, app: App) -> None:
        """Remove what was taken out of recycled folders, and indexes of folders that are gone."""
        await remove_tree(workshop(app))
        known = {str(number) for number in numbered(app)}
        for index in self._repositories.index(app.id, SPARE).parent.glob("*"):
            if index.name not in known:
                index.unlink()

    def _unused(self, app: App, used: set[int | None]) -> int | None:
        """The oldest release whose folder nobody uses."""
        used = used | app.in_use()
        for number in numbered(app):
            if number not in used and not somebody_in(app.release_folder(number)):
                return number
        return None

    def _known(self, app: App, number: int | None) -> dict[str, Written]:
        """The files of a folder as git left them; none where that is not known."""
        try:
            return {} if number is None else read_index(self._repositories.index(app.id, number))
        except (OSError, ValueError):
            return {}

    async def _anew(self, app: App, sha: str, number: int) -> None:
        await remove_tree(workshop(app))
        made = workshop(app) / "files"
        made.mkdir(parents=True)
        index = self._repositories.index(app.id, number)
        index.parent.mkdir(exist_ok=True)
        index.unlink(missing_ok=True)
        await self._repositories.write(app.id, sha, made, index)
        made.rename(app.release_folder(number))

    async def _recycle(
        self,
        app: App,
        sha: str,
        listing: Listing,
        known: dict[str, Written],
        old: int,
        build_id: int,
    ) -> bool:
        """Whether it could be done; the old folder is gone in any case."""
        made, rubbish = workshop(app) / "files", workshop(app) / "rubbish"
        index = self._repositories.index(app.id, build_id)
        try:
            await remove_tree(workshop(app))
            rubbish.mkdir(parents=True)
            before = self._repositories.index(app.id, old)
            # Git compares files that are as new as the index: by now they are looked through.
            shutil.copyfile(before, index)
            before.unlink()
            app.release_folder(old).rename(made)
            work = Recycling(listing, known, rubbish)
            await asyncio.to_thread(work.run, made)
            await self._repositories.write(app.id, sha, made, index)
            made.rename(app.release_folder(build_id))
        except (DeTasksError, OSError, NotAlike) as error:
            logger.info(
                "the folder of release %s of %s is not used again: %r", old, app.name, error
            )
            await remove_tree(app.release_folder(old))
            return False
        return True


@asynccontextmanager
async def _working(app: App) -> AsyncIterator[None]:
    own_folder(app.folder / "releases")
    try:
        yield
    except BaseException:
        await asyncio.shield(remove_tree(workshop(app)))
        raise
