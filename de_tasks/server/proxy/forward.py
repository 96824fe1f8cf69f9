"""Requests on their way to an app and back, HTTP and WebSocket.

The prefix is taken off: Dash Enterprise tells an app its prefix through
`DASH_REQUESTS_PATHNAME_PREFIX`, and Dash uses that for the addresses it writes, only.
"""

from __future__ import annotations

import asyncio

import aiohttp
from multidict import CIMultiDict
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from yarl import URL

from de_tasks.server.http.pages import Pages
from de_tasks.server.proxy.exchange import Exchange
from de_tasks.server.runtime.app import Instance
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users.cookies import is_ours, without_ours

# RFC 9110, section 7.6.1: these speak of one connection and are not passed on.
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding"
    " upgrade proxy-connection expect".split()
)
# What a proxy says of a visitor: believed by apps, so only ever said by us.
TOLD_BY_PROXIES = frozenset(("forwarded", "x-real-ip", "plotly-user-data"))


class Forwarder:
    """Passes requests on to a process of an app. `cookies` are added to the visitor's own."""

    def __init__(
        self, settings: ServerSettings, client: aiohttp.ClientSession, pages: Pages
    ) -> None:
        self._settings = settings
        self._client = client
        self._pages = pages

    async def http(
        self, scope: Scope, receive: Receive, send: Send, name: str, web: Instance, cookies: str
    ) -> None:
        """Pass on a request and its answer."""
        web.in_flight += 1
        pause, limit = 3 * self._settings.patience, self._settings.body_limit
        exchange = Exchange(scope, receive, send, pause, limit)
        try:
            await exchange.run(
                self._client,
                lambda response: self._response_headers(response, name),
                url=self._address(scope, web, "http"),
                headers=self._request_headers(scope, name, cookies),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if not exchange.begun:
                page = self._problem(exchange.fault, error, name)
                await page(scope, receive, send)
        finally:
            web.in_flight -= 1

    def _problem(self, fault: tuple[int, str] | None, error: Exception, name: str) -> Response:
        if fault is None and isinstance(error, aiohttp.ClientConnectorError):
            # Nobody listens: it has just been started, or is started again after its end.
            return starting(self._pages, name)
        words = f"{name} does not answer at this moment. Try again in a second."
        status, text = fault or (502, words)
        page = self._pages.message(status, "No answer from the app", text)
        page.headers["Retry-After"] = "1"
        return page

    async def websocket(
        self, scope: Scope, receive: Receive, send: Send, name: str, web: Instance, cookies: str
    ) -> None:
        """Pass on a WebSocket until one side closes it."""
        await receive()
        address = self._address(scope, web, "ws")
        headers = self._request_headers(scope, name, cookies)
        for key in [key for key in headers if key.lower().startswith("sec-websocket")]:
            del headers[key]
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

    def _request_headers(self, scope: Scope, name: str, cookies: str) -> CIMultiDict[str]:
        headers: CIMultiDict[str] = CIMultiDict()
        theirs = []
        for raw_key, raw_value in scope["headers"]:
            key, value = raw_key.decode("latin-1"), raw_value.decode("latin-1")
            if key == "cookie":
                theirs.append(without_ours(value))
            elif not _dropped(key):
                headers.add(key, value)
        both = "; ".join(part for part in (*theirs, cookies) if part)
        if both:
            headers["Cookie"] = both
        headers["X-Forwarded-For"] = scope["client"][0] if scope.get("client") else "127.0.0.1"
        headers["X-Forwarded-Proto"] = "https" if self._settings.secure else "http"
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
            if lower == b"set-cookie" and is_ours(value.decode("latin-1")):
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


def starting(pages: Pages, name: str) -> Response:
    """The page of an app whose process is about to be there; browsers load it anew."""
    text = f"{name} is being started. This page looks for it again every two seconds."
    page = pages.message(503, "Starting", text)
    page.headers["Retry-After"] = "1"
    # A header, as no script may run on this page.
    page.headers["Refresh"] = "2"
    return page


def _dropped(key: str) -> bool:
    # With an underscore a header looks to WSGI (PEP 3333) like the one with a dash.
    told = key in TOLD_BY_PROXIES or key.startswith("x-forwarded-")
    return told or "_" in key or key in HOP_BY_HOP


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
