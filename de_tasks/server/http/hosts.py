"""Which request goes where: by host first, then by path."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from de_tasks.server.http.targets import path_of
from de_tasks.server.settings import APPS_HOST, PLATFORM_HOST, ServerSettings


class Hosts:
    """Sends requests to the platform or to the apps by their Host, and refuses other hosts.

    A page anywhere on the web can make a browser ask 127.0.0.1 under a name of its own
    (DNS rebinding): a Host that is not ours gets nothing.
    """

    def __init__(self, settings: ServerSettings, platform: ASGIApp, apps: ASGIApp) -> None:
        self._hosts = {
            f"{PLATFORM_HOST}:{settings.port}".encode(): platform,
            f"{APPS_HOST}:{settings.port}".encode(): apps,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value for key, value in scope["headers"] if key == b"host"), b"")
        target = self._hosts.get(host.lower())
        if not path_of(scope).startswith("/"):
            # RFC 9112, section 3.2: the other forms are for proxies, tunnels and `OPTIONS *`.
            text = "A request names a path of this server.\n"
            await PlainTextResponse(text, 400)(scope, receive, send)
        elif target is not None:
            await target(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            known = " and ".join(name.decode() for name in self._hosts)
            text = f"This sandbox answers to {known} only.\n"
            await PlainTextResponse(text, 421)(scope, receive, send)


class Paths:
    """The platform's own paths: git is a raw ASGI app, the rest a router."""

    def __init__(self, settings: ServerSettings, git: ASGIApp, router: ASGIApp) -> None:
        self._settings = settings
        self._git = git
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/GIT/"):
            await self._git(scope, receive, send)
        elif scope["type"] in ("http", "lifespan"):
            await self._router(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def to_apps_host(settings: ServerSettings, target: str) -> RedirectResponse:
    """Where the reference has platform and apps on one host, a link to an app still works.
    `target` is a path with its query, as it was sent."""
    return RedirectResponse(settings.apps_url + target, 307)
