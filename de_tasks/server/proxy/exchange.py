"""One HTTP request on its way to an app and its answer on the way back, in pieces.

It goes on for as long as the visitor may see the app: what streams without end is cut off when the
visitor has lost that right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import aiohttp
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from de_tasks.server.http.revocation import Allowed, done_while

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=300)

Passed = Callable[[aiohttp.ClientResponse], Iterable[tuple[bytes, bytes]]]
Replaced = Callable[[aiohttp.ClientResponse], Response | None]
REFUSED = (403, "You may not open this app any more.")


class Exchange:
    """Passes a request on: a body of at most `limit` bytes, with no pause longer than `pause`
    seconds. `begun` tells whether the visitor has the start of an answer, and `fault` is what the
    visitor did wrong, as a status and a sentence."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, pause: float, limit: int
    ) -> None:
        headers = Headers(scope=scope)
        self._scope = scope
        self._method: str = scope["method"]
        self._has_body = "content-length" in headers or "transfer-encoding" in headers
        self._receive = receive
        self._send = send
        self._pause = pause
        self._limit = limit
        self._body_read = asyncio.Event()
        self.begun = False
        self.fault: tuple[int, str] | None = None

    async def run(
        self,
        client: aiohttp.ClientSession,
        allowed: Allowed,
        passed: Passed,
        replaced: Replaced,
        **request: Any,
    ) -> None:
        """Ask the app, and pass on its answer, until both have ended, the visitor is gone, or it
        is not `allowed` any more.

        `passed` gives the headers of the answer that the visitor sees, `replaced` another answer
        in its place. Raises what the client raises: `aiohttp.ClientError`, `OSError`,
        `TimeoutError`.
        """
        work = asyncio.create_task(self._answer(client, passed, replaced, request))
        watch = asyncio.create_task(self._visitor_gone())
        try:
            if not await done_while(allowed, (work, watch)):
                self.fault = REFUSED
                raise ConnectionAbortedError("the visitor has lost access")
            if work.done():
                work.result()
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)

    async def _answer(
        self,
        client: aiohttp.ClientSession,
        passed: Passed,
        replaced: Replaced,
        request: dict[str, Any],
    ) -> None:
        data = self._body() if self._has_body else None
        request = {"data": data, "allow_redirects": False, "timeout": TIMEOUT, **request}
        async with client.request(self._method, **request) as response:
            self.begun = True
            other = replaced(response)
            if other is not None:
                return await other(self._scope, self._receive, self._send)
            start = {"type": "http.response.start", "status": response.status}
            await self._send({**start, "headers": list(passed(response))})
            async for piece in response.content.iter_any():
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await self._send({"type": "http.response.body", "body": b""})

    async def _body(self) -> AsyncIterator[bytes]:
        more, size = True, 0
        while more:
            try:
                async with asyncio.timeout(self._pause):
                    message = await self._receive()
            except TimeoutError:
                self.fault = (408, "The request did not arrive in time.")
                raise
            if message["type"] == "http.disconnect":
                raise ConnectionAbortedError("the visitor went away")
            size += len(message.get("body", b""))
            if size > self._limit:
                self.fault = (413, f"A request has at most {self._limit} bytes.")
                raise ConnectionAbortedError("the visitor sends too much")
            yield message.get("body", b"")
            more = message.get("more_body", False)
        self._body_read.set()

    async def _visitor_gone(self) -> None:
        if self._has_body:
            await self._body_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            continue
