"""One sandbox, put together: everything that a data directory and a port make up."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
from collections.abc import Sequence
from contextlib import nullcontext, suppress

import aiohttp
import uvicorn

from de_tasks.server import tls, wiring
from de_tasks.server.control import ENDING, RUNNING
from de_tasks.server.database import Database
from de_tasks.server.files import write_private
from de_tasks.server.http.connections import LONGEST_HEADERS, with_patience
from de_tasks.server.http.hosts import Hosts, Paths
from de_tasks.server.http.pages import Pages
from de_tasks.server.open_files import open_files
from de_tasks.server.settings import ServerSettings
from de_tasks.server.signin.code_flow import CodeFlow

ADMIN_KEY = "admin.key"
"""What `control.administer` shows: whoever may read the data directory may do it anyway."""


class Sandbox:
    """A sandbox over a data directory that this process has locked."""

    def __init__(
        self, settings: ServerSettings, client: aiohttp.ClientSession, lock: int | None = None
    ) -> None:
        self._settings = settings
        self._database = database = Database(settings.data / "sandbox.sqlite3")
        # Tells this sandbox from whatever else may answer on its port.
        self.instance = secrets.token_hex(8)
        users = wiring.wire_users(settings, database)
        runtime = wiring.wire_runtime(settings, database, users, client, lock, self._changed)
        building = wiring.wire_builds(settings, database, users, runtime)
        self._runtime, self._building = runtime, building

        pages = Pages(settings)
        code_flow = CodeFlow(settings, database, users.sessions, pages)
        realm = wiring.wire_signin(settings, database, users, pages, code_flow)
        graphql = wiring.wire_api(settings, database, users, runtime, building)
        git = wiring.wire_git(settings, users, runtime, building)
        key = secrets.token_urlsafe(32)
        write_private(settings.data / ADMIN_KEY, key)
        router = wiring.wire_web(
            settings=settings,
            instance=self.instance,
            key=key,
            users=users,
            apps=building.apps,
            graphql=graphql,
            pages=pages,
            realm=realm,
        )
        proxy = wiring.wire_proxy(
            settings=settings,
            database=database,
            users=users,
            runtime=runtime,
            apps=building.apps,
            pages=pages,
            code_flow=code_flow,
            client=client,
        )
        self.asgi = Hosts(settings, Paths(settings, git, router), proxy)

    async def _changed(self, app_id: int) -> bool:
        row = self._database.one("SELECT name FROM apps WHERE id = ?", app_id)
        return self._runtime.releases.restart_soon(self._runtime.releases.app(app_id, row["name"]))

    async def start(self) -> None:
        """Serve the apps again, and take pushes."""
        await self._building.pushes.start()
        await self._runtime.services.recover()
        await self._building.recovery.run()

    async def stop(self) -> None:
        """Stop every process; what is not built stays queued."""
        self._building.recovery.stop()
        await self._building.builds.stop()
        await self._runtime.releases.stop_all(self._waits_for)
        await self._runtime.databases.stop()
        await self._building.pushes.stop()
        await asyncio.to_thread(self._runtime.leash.close)
        self._database.close()

    def _waits_for(self, names: Sequence[str]) -> None:
        """Let whoever stops the sandbox know which apps have not ended."""
        with suppress(OSError):
            waiting = {"apps": list(names), "grace": self._settings.stop_grace}
            (self._settings.data / ENDING).write_text(json.dumps(waiting), "utf-8")


async def serve(
    settings: ServerSettings, sockets: list[socket.socket], ready: int | None, lock: int
) -> None:
    """Run a sandbox on listening sockets until SIGTERM or SIGINT.

    `lock` is the file descriptor of the lock on the data directory. When the sandbox answers,
    one line of JSON is written to the file descriptor `ready`.
    """
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as client:
        sandbox = Sandbox(settings, client, lock)
        made = tls.of(settings)
        server = _server(settings, sandbox, made)
        loop = asyncio.get_running_loop()

        starting = asyncio.create_task(sandbox.start())

        def end() -> None:
            server.should_exit = True
            starting.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end)
        try:
            await starting
            record = {
                "pid": os.getpid(),
                "url": settings.url,
                "port": settings.port,
                "instance": sandbox.instance,
                "ca_path": str(made.authority) if made else "",
                "version": settings.as_version,
            }
            write_private(settings.data / RUNNING, json.dumps(record))
            serving = asyncio.create_task(server.serve(sockets))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if ready is not None and not _tell(ready, json.dumps(record)):
                # Who started us is gone and cannot know of us: do not stay behind.
                server.should_exit = True
            logging.getLogger(__name__).info("serving %s", settings.url)
            await serving
        except asyncio.CancelledError:
            if not starting.cancelled():
                raise
        finally:
            await sandbox.stop()
            for name in (ENDING, ADMIN_KEY):
                (settings.data / name).unlink(missing_ok=True)


def _server(
    settings: ServerSettings, sandbox: Sandbox, made: tls.Certificates | None
) -> uvicorn.Server:
    config = uvicorn.Config(
        sandbox.asgi,
        ssl_certfile=made.chain if made else None,
        ssl_keyfile=made.key if made else None,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        # Whatever a client says of where it comes from, nobody stands in between.
        proxy_headers=False,
        http=with_patience(settings.patience),
        h11_max_incomplete_event_size=LONGEST_HEADERS,
        limit_concurrency=open_files().connections(settings.connections),
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        ws_max_size=64 * 1024**2,
    )
    server = uvicorn.Server(config)
    # uvicorn would answer a signal by ending the process before the apps are stopped.
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    return server


def _tell(descriptor: int, line: str) -> bool:
    """Write a line and close the descriptor; False where nobody reads it any more."""
    try:
        os.write(descriptor, line.encode() + b"\n")
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    return True
