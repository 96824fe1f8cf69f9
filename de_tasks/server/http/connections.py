"""uvicorn's HTTP connections, with patience that ends.

uvicorn waits for a request for ever (its keep-alive time runs only after an answer), and reads
on when an answer was given before the request's body had come.
"""

from __future__ import annotations

import asyncio
import http

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LINGER_SECONDS = 2.0
"""Closing at once would take the answer away from a client that is still sending (RFC 9112,
section 9.6)."""
LONGEST_HEADERS = 64 * 1024


class Connection(H11Protocol):
    """One connection: its headers come within a time, and it ends after an early answer."""

    patience = 20.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._watch()
        else:
            self._unwatch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self.loop.call_later(LINGER_SECONDS, self._end_early)

    def _watch(self) -> None:
        # One time for all of a request's headers, however slowly they drip.
        if self._late is None:
            self._late = self.loop.call_later(self.patience, self._too_late)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            return
        status = http.HTTPStatus.REQUEST_TIMEOUT
        answer = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        self.transport.write(f"{answer}Content-Length: 0\r\n\r\n".encode())
        self.transport.close()

    def _end_early(self) -> None:
        if self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE:
            self.transport.close()


def with_patience(seconds: float) -> type[Connection]:
    """The class of connections that wait so long for headers: uvicorn makes them itself."""
    return type("PatientConnection", (Connection,), {"patience": seconds})
