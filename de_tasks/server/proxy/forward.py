"""Requests on their way to an app and back, HTTP and WebSocket.

The prefix is taken off: Dash Enterprise tells an app its prefix through
`DASH_REQUESTS_PATHNAME_PREFIX`, and Dash uses that for the addresses it writes, only.
"""

from __future__ import annotations

import asyncio

import aiohttp
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from yarl import URL

from de_tasks.server.http.pages import Pages
from de_tasks.server.http.revocation import Allowed, done_while
from de_tasks.server.http.targets import app_of
from de_tasks.server.proxy import service_workers
from de_tasks.server.proxy.exchange import Exchange
from de_tasks.server.proxy.headers import request_headers, response_headers
from de_tasks.server.runtime.app import Instance
from de_tasks.server.settings import ServerSettings

NOT_ALLOWED, LEFT, RESTARTS = 1008, 1001, 1012
"""Codes of closing (RFC 6455, section 7.4.1, and the IANA registry): policy violation, going away,
service restart."""
KNOWN_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Forwarder:
    """Passes requests on to a process of an app. `cookies` are added to the visitor's own."""

    def __init__(
        self, settings: ServerSettings, client: aiohttp.ClientSession, pages: Pages
    ) -> None:
        self._settings = settings
        self._client = client
        self._pages = pages

    async def http(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        name: str,
        web: Instance,
        cookies: str,
        allowed: Allowed,
        visitor: str,
    ) -> None:
        """Pass on a request and its answer, for as long as it is `allowed`."""
        web.in_flight += 1
        pause, limit = 3 * self._settings.patience, self._settings.body_limit
        exchange = Exchange(scope, receive, send, pause, limit)
        for_worker = service_workers.is_asked_for(Headers(scope=scope))

        def replaced(answer: aiohttp.ClientResponse) -> Response | None:
            gone = for_worker and service_workers.is_gone(answer.status, answer.content_type)
            return service_workers.farewell() if gone else None

        try:
            await exchange.run(
                self._client,
                allowed,
                lambda answer: response_headers(self._settings, answer.raw_headers, name),
                replaced,
                url=_address(scope, web, "http"),
                headers=request_headers(self._settings, scope, name, cookies),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if not exchange.begun:
                page = self._problem(exchange.fault, error, name, visitor)
                await page(scope, receive, send)
        finally:
            web.in_flight -= 1

    def _problem(
        self, fault: tuple[int, str] | None, error: Exception, name: str, visitor: str
    ) -> Response:
        if isinstance(error, aiohttp.WSServerHandshakeError):
            text = f"{name} accepts no WebSockets at this address."
            return self._pages.message(error.status, "Refused by the app", text, visitor=visitor)
        if fault is None and isinstance(error, aiohttp.ClientConnectorError):
            # Nobody listens: it has just been started, or is started again after its end.
            return starting(self._pages, name, visitor)
        words = f"{name} is not answering right now. Try again in a second."
        status, text = fault or (502, words)
        page = self._pages.message(status, "No answer from the app", text, visitor=visitor)
        page.headers["Retry-After"] = "1"
        return page

    async def websocket(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        name: str,
        web: Instance,
        cookies: str,
        allowed: Allowed,
        visitor: str,
    ) -> None:
        """Pass on a WebSocket until one side closes it, for as long as it is `allowed`."""
        await receive()
        headers = request_headers(self._settings, scope, name, cookies)
        for key in [key for key in headers if key.lower().startswith("sec-websocket")]:
            del headers[key]
        try:
            socket = await self._client.ws_connect(
                _address(scope, web, "ws"),
                headers=headers,
                protocols=scope.get("subprotocols", []),
                max_msg_size=0,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Not accepted yet: the visitor is told as of any other request.
            return await self._problem(None, error, name, visitor)(scope, receive, send)
        async with socket:
            await send({"type": "websocket.accept", "subprotocol": socket.protocol})
            sides = [
                asyncio.create_task(_to_app(receive, socket)),
                asyncio.create_task(_to_visitor(socket, send)),
            ]
            try:
                still = await done_while(allowed, sides)
            finally:
                for side in sides:
                    side.cancel()
                await asyncio.gather(*sides, return_exceptions=True)
            code = _sendable(socket.close_code, lost=RESTARTS) if still else NOT_ALLOWED
            await send({"type": "websocket.close", "code": code})


def _address(scope: Scope, web: Instance, scheme: str) -> URL:
    _, rest = app_of(scope)
    return URL(f"{scheme}://127.0.0.1:{web.port}{rest}", encoded=True)


def starting(pages: Pages, name: str, visitor: str) -> Response:
    """The page of an app whose process is about to be there; browsers load it anew."""
    text = f"{name} is starting. This page reloads every two seconds."
    page = pages.message(503, "Starting", text, visitor=visitor)
    page.headers["Retry-After"] = "1"
    # A header, as no script may run on this page.
    page.headers["Refresh"] = "2"
    return page


async def _to_app(receive: Receive, socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            await socket.close(code=_sendable(message.get("code"), lost=LEFT))
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


def _sendable(code: int | None, lost: int) -> int:
    """The code of a closing as it may be sent (RFC 6455, section 7.4): some only tell a program
    of a connection that was closed without one. `lost` is for one that broke off."""
    if code in (1006, 1015):
        return lost
    known = code in KNOWN_CODES or 3000 <= (code or 0) < 5000
    return code if code and known else 1000
