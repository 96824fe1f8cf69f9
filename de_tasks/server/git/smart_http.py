"""Git over smart HTTP at `/GIT/<app>`: git's own http-backend behind a raw ASGI app.

Raw, because a framework's streaming answer asks for messages of its own and so swallows
pieces of an upload that is still arriving. A push of any size passes through in pieces.
"""

from __future__ import annotations

import asyncio
import logging
import re

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from de_tasks.server.apps import Apps
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.git.hooks import Pushes
from de_tasks.server.git.http_backend import BackendRun, plain
from de_tasks.server.http.bodies import declared_length
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.authorization_header import Identity, address_of
from de_tasks.server.users.rate_limit import WRITE, RateLimit
from de_tasks.server.users.throttle import TooManyAttempts

logger = logging.getLogger(__name__)

PATHS = re.compile(r"/GIT/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")


class GitApp:
    """The ASGI app of the git remote."""

    def __init__(
        self,
        settings: ServerSettings,
        repositories: Repositories,
        apps: Apps,
        identity: Identity,
        pushes: Pushes,
        leash: Leash,
        limit: RateLimit,
    ) -> None:
        self._repositories = repositories
        self._apps = apps
        self._identity = identity
        self._pushes = pushes
        self._leash = leash
        self._limit = limit
        self._idle = 3 * settings.patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        # Not `request.url`: parsing an address drops the line ends and tabs in it.
        match = PATHS.fullmatch(scope["path"])
        if not match:
            return await plain(send, 404, "There is no git repository at this address.")
        try:
            header = request.headers.get("authorization")
            user = await self._identity.any(header, address_of(request))
        except TooManyAttempts as error:
            return await plain(send, 429, str(error), error.headers)
        if user is None:
            return await plain(send, 401, "Log in first: de-tasks login")
        limit = self._repositories.push_limit
        if declared_length(request) > limit:
            return await plain(send, 413, f"A push has at most {limit} bytes.")
        name, service = match.groups()
        app = self._apps.find(name)
        if app is None or not self._apps.may_manage(user, app):
            # The same answer for both: who may not manage an app is not told that it exists.
            if not user.has_seat:
                words = f"{user.username} has no license seat and may not deploy."
            else:
                words = f"There is no app {name}, or {user.username} may not deploy it."
            return await plain(send, 403, words)
        await self._repositories.ready(app["id"])
        push = service == "git-receive-pack" and not _is_probe(request)
        pushed = self._pushes.file()
        environment = {
            **self._repositories.environment,
            "GIT_PROJECT_ROOT": str(self._repositories.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{app['id']}.git/{service}",
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "REMOTE_USER": user.username,
            "REMOTE_ADDR": "127.0.0.1",
            "DE_APP": str(app["id"]),
            "DE_HOOK_SOCKET": str(self._pushes.path),
            "DE_PUSHED": str(pushed),
            # RFC 7240: who does not want to wait for the build says so.
            "DE_FOLLOW": "0" if "respond-async" in request.headers.get("prefer", "") else "1",
            "DE_REFUSAL": self._refusal(user.username) if push else "",
        }
        for header, variable in (
            ("git-protocol", "GIT_PROTOCOL"),
            ("content-encoding", "HTTP_CONTENT_ENCODING"),
            # Not its length: told one, http-backend waits for all of it even when the pusher has
            # gone, and takes a processor for itself while it does (git 2.39).
        ):
            if header in request.headers:
                environment[variable] = request.headers[header]
        probe = request.method != "POST" or _is_probe(request)
        exchange = BackendRun(self._leash, limit, self._idle, probe)
        try:
            await exchange.run(environment, receive, send)
        finally:
            # What git has taken is built, even if the pusher went away meanwhile.
            await asyncio.shield(self._pushes.collect(pushed, app["id"], user.username))

    def _refusal(self, username: str) -> str:
        """Why a push is refused for the rate limit; empty, and the points taken, when it is not."""
        if self._limit.take(username, WRITE):
            return ""
        logger.info("%s was refused for the rate limit", username)
        seconds = self._limit.budget(username).ms_before_next / 1000
        return f"Rate limit exceeded: push again in {seconds:.1f} s"


def _is_probe(request: Request) -> bool:
    # Before a large push git asks with an empty one, of four bytes, whether it may.
    return request.headers.get("content-length") == "4"
