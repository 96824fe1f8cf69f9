"""One sandbox, put together: everything that a data directory and a port make up."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
from contextlib import nullcontext

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from de_tasks.server import authority
from de_tasks.server.access import Access
from de_tasks.server.account import AccountPage
from de_tasks.server.accounts import Accounts, write_private
from de_tasks.server.administration import Administration
from de_tasks.server.apps import Apps
from de_tasks.server.asgi import Hosts, Paths
from de_tasks.server.authorization import Authorization
from de_tasks.server.builds import Builds
from de_tasks.server.connections import LONGEST_HEADERS, with_patience
from de_tasks.server.cookies import Cookies
from de_tasks.server.database import Database
from de_tasks.server.databases import Databases
from de_tasks.server.devices import Devices
from de_tasks.server.environments import Environments
from de_tasks.server.forwarding import Forwarder
from de_tasks.server.git import GitApp
from de_tasks.server.graphql import GraphQLEndpoint, make_schema
from de_tasks.server.hooks import Pushes, write_hooks
from de_tasks.server.identity import Identity
from de_tasks.server.manager import Manager
from de_tasks.server.oidc import Oidc
from de_tasks.server.pages import Pages
from de_tasks.server.portal import Portal
from de_tasks.server.processes import Leash
from de_tasks.server.proxy import Proxy
from de_tasks.server.ratelimit import RateLimit
from de_tasks.server.recovery import Recovery
from de_tasks.server.releases import Releases
from de_tasks.server.repositories import Repositories
from de_tasks.server.resolvers.apps import AppResolvers
from de_tasks.server.resolvers.base import bind
from de_tasks.server.resolvers.builds import BuildResolvers
from de_tasks.server.resolvers.services import ServiceResolvers
from de_tasks.server.resolvers.shapes import Shapes
from de_tasks.server.resolvers.users import UserResolvers
from de_tasks.server.services import Services
from de_tasks.server.sessions import Sessions
from de_tasks.server.settings import ServerSettings
from de_tasks.server.signin import SignIn
from de_tasks.server.site import Site
from de_tasks.server.surroundings import Surroundings
from de_tasks.server.throttle import Throttle, TooManyAttempts
from de_tasks.server.tokens import Tokens
from de_tasks.server.variables import Variables
from de_tasks.server.visitors import Visitors

PASSWORDS = "passwords.json"
RUNNING = "running.json"
ADMIN_KEY = "admin.key"
"""What `control.administer` shows: whoever may read the data directory may do it anyway."""


class Sandbox:
    """A sandbox over a data directory that this process has locked."""

    def __init__(
        self, settings: ServerSettings, client: aiohttp.ClientSession, lock: int | None = None
    ) -> None:
        data = settings.data
        self._settings = settings
        self._database = Database(data / "sandbox.sqlite3")
        throttle = Throttle(settings.sign_in_failures, settings.sign_in_seconds)
        accounts = Accounts(self._database, data / "api-keys.secret", throttle)
        accounts.create_first_users(data / PASSWORDS)
        tokens = Tokens(self._database, accounts, settings)
        identity = Identity(accounts, tokens)
        access = Access(self._database, accounts)
        self._leash = Leash(lock)
        hooks = write_hooks(data / "hooks")
        repositories = Repositories(data / "git", hooks, settings.push_limit, self._leash)
        environments = Environments(data / "environments", self._leash)
        variables = Variables(self._database)
        self._databases = Databases(data / "databases", self._leash)
        services = Services(self._database, access, self._databases, self._changed)
        self._services = services
        surroundings = Surroundings(self._database, variables, services.urls, settings.allow_mount)
        self._releases = Releases(settings, environments, surroundings, self._leash, client)
        self._builds = Builds(settings, self._database, repositories, environments, self._releases)
        self._recovery = Recovery(
            *(settings, self._database, repositories, environments),
            *(self._releases, self._builds),
        )
        apps = Apps(
            *(settings, self._database, access, repositories),
            *(self._releases, self._builds),
        )
        self._pushes = Pushes(data / "sockets", self._database, self._builds, self._releases)
        pages = Pages(settings)
        cookies = Cookies(settings)
        sessions = Sessions(self._database, accounts, cookies)
        authorization = Authorization(settings, self._database, sessions, pages)
        devices = Devices(self._database, sessions, pages, throttle)
        realm = (
            Oidc(settings, accounts, tokens, identity, devices),
            SignIn(accounts, tokens, sessions, pages),
            devices,
            authorization,
        )
        shapes = Shapes(
            *(settings, access, self._builds, self._releases),
            *(environments, surroundings, variables, services),
        )
        resolvers = (
            AppResolvers(
                *(self._database, apps, access, self._releases),
                *(surroundings, variables, shapes),
            ),
            BuildResolvers(self._database, apps, self._builds, self._releases, shapes),
            ServiceResolvers(apps, services, shapes),
            UserResolvers(settings, self._database, accounts, apps, shapes),
        )
        limit = RateLimit(settings.rate_limit_points, settings.rate_limit_seconds)
        graphql = GraphQLEndpoint(make_schema(*bind(*resolvers)), identity, limit)
        git = GitApp(
            *(settings, repositories, apps, identity, self._pushes),
            *(self._leash, limit),
        )
        key = secrets.token_urlsafe(32)
        write_private(data / ADMIN_KEY, key)
        # Tells this sandbox from whatever else may answer on its port.
        self.instance = secrets.token_hex(8)

        site = Site(settings, self.instance, apps, identity, sessions, pages)
        router = Starlette(
            routes=[
                Route("/Manager/graphql", graphql.answer, methods=["POST"]),
                Mount("/auth/realms/dash", routes=[r for part in realm for r in part.routes()]),
                Mount("/sandbox", routes=Administration(accounts, identity, limit, key).routes()),
                *Portal(settings, apps, sessions, pages).routes(),
                *Manager(graphql, sessions, pages).routes(),
                *AccountPage(graphql, accounts, sessions, pages, limit).routes(),
                *site.routes(),
            ],
            exception_handlers={TooManyAttempts: _too_many},
        )
        router.state.patience = settings.patience
        visitors = Visitors(
            *(settings, self._database, sessions, authorization, tokens, cookies, pages)
        )
        forwarder = Forwarder(settings, client, pages)
        proxy = Proxy(settings, apps, access, self._releases, visitors, forwarder, pages)
        self.asgi = Hosts(settings, Paths(settings, git, router), proxy)

    async def _changed(self, app_id: int) -> bool:
        row = self._database.one("SELECT name FROM apps WHERE id = ?", app_id)
        return self._releases.restart_soon(self._releases.app(app_id, row["name"]))

    async def start(self) -> None:
        """Serve the apps again, and take pushes."""
        await self._pushes.start()
        await self._services.recover()
        await self._recovery.run()

    async def stop(self) -> None:
        """Stop every process; what is not built stays queued."""
        self._recovery.stop()
        await self._builds.stop()
        await self._releases.stop_all()
        await self._databases.stop()
        await self._pushes.stop()
        await asyncio.to_thread(self._leash.close)
        self._database.close()


async def _too_many(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooManyAttempts)
    refusal = {"message": str(error), "extensions": {"code": "TOO_MANY_REQUESTS"}}
    headers = {"Retry-After": str(error.seconds)}
    return JSONResponse({"errors": [refusal]}, 429, headers=headers)


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
        made = authority.of(settings)
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
            limit_concurrency=settings.connections,
            timeout_graceful_shutdown=2,
            ws="websockets-sansio",
            ws_max_size=64 * 1024**2,
        )
        server = uvicorn.Server(config)
        # uvicorn would answer a signal by ending the process before the apps are stopped.
        server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
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
            }
            write_private(settings.data / RUNNING, json.dumps(record))
            serving = asyncio.create_task(server.serve(sockets))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if ready is not None:
                try:
                    os.write(ready, json.dumps(record).encode() + b"\n")
                except BrokenPipeError:
                    # Who started us is gone and cannot know of us: do not stay behind.
                    server.should_exit = True
                os.close(ready)
            logging.getLogger(__name__).info("serving %s", settings.url)
            await serving
        except asyncio.CancelledError:
            if not starting.cancelled():
                raise
        finally:
            await sandbox.stop()
            for name in (RUNNING, ADMIN_KEY):
                (settings.data / name).unlink(missing_ok=True)
