"""The sandbox's end of the git hooks: the scripts that git runs, and a
private socket that queues builds and shows them."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from de_tasks.server.builds.queue import FINISHED, Builds
from de_tasks.server.database import Database
from de_tasks.server.git import post_receive
from de_tasks.server.runtime.app import App
from de_tasks.server.runtime.releases import Releases

PRE_RECEIVE = """#!/bin/sh
# Refuses what is not a deploy, in words that git shows to the pusher.
if [ -n "$DE_REFUSAL" ]; then
    echo "$DE_REFUSAL" >&2
    exit 1
fi
while read -r old new ref; do
    if [ "$ref" != refs/heads/master ]; then
        echo "Only master is deployed. Type: git push <remote> HEAD:master (not $ref)" >&2
        exit 1
    fi
    case "$new" in *[!0]*) ;; *)
        echo "The deployed branch cannot be deleted. Delete the app instead." >&2
        exit 1 ;;
    esac
done
"""
# Starting Python takes longer than a small push: who does not wait for the build needs none.
POST_RECEIVE = """#!/bin/sh
if [ "$DE_FOLLOW" = 0 ]; then
    read -r old new ref && echo "$new" >"$DE_PUSHED"
    exit
fi
exec %s
"""


def write_hooks(folder: Path) -> Path:
    """Write the hook scripts that git runs; returns their folder."""
    folder.mkdir(exist_ok=True)
    command = shlex.join([sys.executable, "-ISs", post_receive.__file__])
    scripts = {"pre-receive": PRE_RECEIVE, "post-receive": POST_RECEIVE % command}
    for name, text in scripts.items():
        script = folder / name
        script.write_text(text)
        script.chmod(0o700)
    return folder


LONGEST_PLACE = 60
"""Characters of the folder for temporary files that leave room for the name of a socket."""


class Pushes:
    """Hears of pushes: through a socket that only this user can reach, where the hook shows
    the build to the pusher, or through a file with the hash, where nobody waits for it."""

    def __init__(
        self,
        link: Path,
        database: Database,
        builds: Builds,
        releases: Releases,
        may_deploy: Callable[[str, str], bool],
    ) -> None:
        """`may_deploy` says of a user whether an app, by its name, is theirs to deploy."""
        self._db = database
        self._builds = builds
        self._releases = releases
        self._may_deploy = may_deploy
        # A short path: the name of a unix socket may have about 100 characters. The link to it
        # comes first, so that the next start finds and removes what a kill leaves behind.
        self._link = link
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()
        places = [Path(tempfile.gettempdir()), Path("/tmp")]
        near = next((p for p in places if len(str(p)) < LONGEST_PLACE), places[-1])
        self._folder = near / f"de-tasks-{secrets.token_hex(8)}"
        link.symlink_to(self._folder)
        self._folder.mkdir(mode=0o700)
        self.path = self._folder / "hooks"
        self._numbers = itertools.count()
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        os.chmod(self.path, 0o600)

    async def stop(self) -> None:
        """Stop listening and remove the socket."""
        if self._server:
            self._server.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._link.unlink(missing_ok=True)

    def file(self) -> Path:
        """Where the hook of one push leaves the hash."""
        return self._folder / f"pushed-{next(self._numbers)}"

    async def collect(self, file: Path, app_id: int, user: str) -> None:
        """Queue the build of a push whose hook has left its hash."""
        if file.exists():
            sha = file.read_text("ascii").strip()
            file.unlink()
            await self._enqueue(app_id, sha, user)

    async def _enqueue(self, app_id: int, sha: str, user: str) -> tuple[App, int] | None:
        row = self._db.find("SELECT id, name FROM apps WHERE id = ?", app_id)
        if row is None:
            return None
        app = self._releases.app(row["id"], row["name"])
        return app, await self._builds.enqueue(app, sha, user)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = json.loads(await reader.readline())
            await self._received(message, writer)
        except (ConnectionError, BrokenPipeError):
            return  # The pusher went away; the build goes on.
        finally:
            writer.close()

    async def _received(self, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        queued = await self._enqueue(message["app"], message["sha"], message["user"])
        if queued is None:
            return
        app, build_id = queued
        log, shown = self._builds.log(app, build_id), 0
        while True:
            for line in log.tail(log.last, after=shown):
                writer.write(line.text.encode() + b"\n")
                shown = line.number
            await writer.drain()
            build = self._db.find("SELECT status FROM builds WHERE id = ?", build_id)
            if build is None or (build["status"] in FINISHED and log.last == shown):
                return
            await self._builds.changed_or_logged(app, build_id, 5)
            if not self._may_deploy(message["user"], app.name):
                return  # The right was lost meanwhile; the build goes on.
