"""The sandbox's end of the git hooks: a private socket that queues builds and shows them."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from de_tasks.server import hook
from de_tasks.server.builds import Builds
from de_tasks.server.database import Database
from de_tasks.server.releases import Releases

FINISHED = ("built", "failed")
PRE_RECEIVE = """#!/bin/sh
# Refuses what is not a deploy, in words that git shows to the pusher.
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


def write_hooks(folder: Path) -> Path:
    """Write the hook scripts that git runs; returns their folder."""
    folder.mkdir(exist_ok=True)
    command = shlex.join([sys.executable, "-ISs", hook.__file__])
    scripts = {"pre-receive": PRE_RECEIVE, "post-receive": f"#!/bin/sh\nexec {command}\n"}
    for name, text in scripts.items():
        script = folder / name
        script.write_text(text)
        script.chmod(0o700)
    return folder


class HookSocket:
    """Listens for post-receive hooks on a socket that only this user can reach."""

    def __init__(self, database: Database, builds: Builds, releases: Releases) -> None:
        self._db = database
        self._builds = builds
        self._releases = releases
        # A short path: the name of a unix socket may have about 100 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="de-tasks-"))
        self.path = self._folder / "hooks"
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            message = json.loads(await reader.readline())
            await self._received(message, writer)
        except (ConnectionError, BrokenPipeError):
            return  # The pusher went away; the build goes on.
        finally:
            writer.close()

    async def _received(self, message: dict[str, object], writer: asyncio.StreamWriter) -> None:
        row = self._db.find("SELECT id, name FROM apps WHERE id = ?", message["app"])
        if row is None:
            return
        app = self._releases.app(row["id"], row["name"])
        build_id = await self._builds.enqueue(app, str(message["sha"]), str(message["user"]))
        if not message["follow"]:
            return
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
