"""The way to the apps: `/<app>/...` on the apps' own host, HTTP and WebSocket.

The prefix is taken off: Dash Enterprise tells an app its prefix through
`DASH_REQUESTS_PATHNAME_PREFIX`, and Dash uses that for the addresses it writes, only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from multidict import CIMultiDict
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send
from yarl import URL

from de_tasks.server.apps import Apps
from de_tasks.server.pages import Pages
from de_tasks.server.releases import Instance, Releases
from de_tasks.server.sessions import COOKIE
from de_tasks.server.settings import ServerSettings

# RFC 9110, section 7.6.1: these speak of one connection and are not passed on.
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding"
    " upgrade proxy-connection expect".split()
)
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=300)


class Proxy:
    """The ASGI app of the apps' host."""

    def __init__(
        self,
        settings: ServerSettings,
        apps: Apps,
        releases: Releases,
        client: aiohttp.ClientSession,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._apps = apps
        self._releases = releases
        self._client = client
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, name, *rest = scope["path"].split("/", 2)
        web, problem = self._find(name)
        if scope["type"] == "websocket":
            if web is None:
                await send({"type": "websocket.close", "code": 1013})
            else:
                await self._websocket(scope, receive, send, web)
        elif problem is not None:
            await problem(scope, receive, send)
        elif not rest:
            await RedirectResponse(f"/{name}/", 308)(scope, receive, send)
        elif web is not None:
            await self._http(scope, receive, send, name, web)

    def _find(self, name: str) -> tuple[Instance | None, Response | None]:
        row = self._apps.find(name)
        if row is None:
            text = f"There is no app {name} here." if name else "No app is named."
            return None, self._pages.message(404, "No such app", text)
        if row["permission_level"] != "unauthenticated":
            # Until apps have a sign-in of their own here, who is not known does not get in.
            text = f"Viewer access of {name} is {row['permission_level']}, and this sandbox signs"
            return None, self._pages.message(403, "Not for everybody", f"{text} nobody in to apps.")
        self._apps.visited(row)
        release = self._releases.app(row["id"], name).current
        if release is None:
            text = f"{name} has not been deployed yet, or its first build is still going on."
            return None, self._pages.message(503, "Nothing to see yet", text)
        web = release.pick()
        if web is None:
            text = f"The web process of {name} is scaled to nothing."
            return None, self._pages.message(503, "Nothing to see", text)
        return web, None

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, name: str, web: Instance
    ) -> None:
        web.in_flight += 1
        try:
            await self._exchange(scope, receive, send, name, web)
        finally:
            web.in_flight -= 1

    async def _exchange(
        self, scope: Scope, receive: Receive, send: Send, name: str, web: Instance
    ) -> None:
        body_read = asyncio.Event()
        headers = Headers(scope=scope)
        has_body = "content-length" in headers or "transfer-encoding" in headers
        begun = False

        async def body() -> AsyncIterator[bytes]:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionAbortedError("the visitor went away")
                yield message.get("body", b"")
                more = message.get("more_body", False)
            body_read.set()

        async def answer() -> None:
            nonlocal begun
            async with self._client.request(
                scope["method"],
                self._address(scope, web, "http"),
                headers=self._request_headers(scope, name),
                data=body() if has_body else None,
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as response:
                begun = True
                await send(
                    {
                        "type": "http.response.start",
                        "status": response.status,
                        "headers": self._response_headers(response, name),
                    }
                )
                async for piece in response.content.iter_any():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})

        async def visitor_gone() -> None:
            if has_body:
                await body_read.wait()
            while (await receive())["type"] != "http.disconnect":
                continue

        work, watch = asyncio.create_task(answer()), asyncio.create_task(visitor_gone())
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except (aiohttp.ClientError, OSError, TimeoutError):
            if not begun:
                text = f"{name} does not answer at this moment. Try again in a second."
                page = self._pages.message(502, "The app does not answer", text)
                page.headers["Retry-After"] = "1"
                await page(scope, receive, send)
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, web: Instance) -> None:
        await receive()
        address = self._address(scope, web, "ws")
        headers = self._request_headers(scope, scope["path"].split("/")[1])
        for name in [key for key in headers if key.lower().startswith("sec-websocket")]:
            del headers[name]
        protocols = scope.get("subprotocols", [])
        try:
            async with self._client.ws_connect(
                address, headers=headers, protocols=protocols, max_msg_size=0
            ) as socket:
                await send({"type": "websocket.accept", "subprotocol": socket.protocol})
                sides = [
                    asyncio.create_task(_to_app(receive, socket)),
                    asyncio.create_task(_to_visitor(socket, send)),
                ]
                await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
                for side in sides:
                    side.cancel()
                await asyncio.gather(*sides, return_exceptions=True)
                await send({"type": "websocket.close", "code": socket.close_code or 1000})
        except (aiohttp.ClientError, OSError):
            await send({"type": "websocket.close", "code": 1013})

    def _address(self, scope: Scope, web: Instance, scheme: str) -> URL:
        raw = scope["raw_path"].decode("ascii").split("?")[0]
        path = "/" + raw.split("/", 2)[2]
        query = scope["query_string"].decode("ascii")
        address = f"{scheme}://127.0.0.1:{web.port}{path}" + (f"?{query}" if query else "")
        return URL(address, encoded=True)

    def _request_headers(self, scope: Scope, name: str) -> CIMultiDict[str]:
        headers: CIMultiDict[str] = CIMultiDict()
        for raw_key, raw_value in scope["headers"]:
            key, value = raw_key.decode("latin-1"), raw_value.decode("latin-1")
            if key in HOP_BY_HOP or key.startswith("x-forwarded-"):
                continue
            if key == "cookie":
                value = _without_session(value)
                if not value:
                    continue
            headers.add(key, value)
        headers["X-Forwarded-For"] = scope["client"][0] if scope.get("client") else "127.0.0.1"
        headers["X-Forwarded-Proto"] = "http"
        headers["X-Forwarded-Host"] = headers.get("Host", "")
        headers["X-Forwarded-Prefix"] = f"/{name}"
        return headers

    def _response_headers(
        self, response: aiohttp.ClientResponse, name: str
    ) -> list[tuple[bytes, bytes]]:
        headers = []
        for key, value in response.raw_headers:
            lower = key.lower()
            if lower.decode("latin-1") in HOP_BY_HOP:
                continue
            if lower == b"location":
                value = self._location(value.decode("latin-1"), name).encode("latin-1")
            headers.append((lower, value))
        return headers

    def _location(self, location: str, name: str) -> str:
        # An app that does not know its prefix redirects to `/path`: put the prefix back.
        path = location.removeprefix(self._settings.apps_url)
        prefixed = path == f"/{name}" or path.startswith(f"/{name}/")
        if path.startswith("/") and not path.startswith("//") and not prefixed:
            return f"/{name}{path}"
        return location


async def _to_app(receive: Receive, socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await socket.close(code=message.get("code", 1000))
            return
        if message.get("text") is not None:
            await socket.send_str(message["text"])
        else:
            await socket.send_bytes(message["bytes"])


async def _to_visitor(socket: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
        elif message.type is aiohttp.WSMsgType.BINARY:
            await send({"type": "websocket.send", "bytes": message.data})


def _without_session(cookies: str) -> str:
    parts = [part.strip() for part in cookies.split(";")]
    return "; ".join(part for part in parts if not part.startswith(f"{COOKIE}="))
