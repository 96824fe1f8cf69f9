"""A proxy between client and sandbox that does what networks and gateways do.

It passes requests on, one connection for each, until one matches: that one meets the fault.
Addresses of the sandbox in its answers become the proxy's own, so that the client comes back.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 64 * 1024
GIVE_UP = 60.0
"""Seconds: no exchange of a test takes longer."""


class Exchange:
    """A request that has come in, and what can be done with it."""

    def __init__(self, client: socket.socket, request: bytes, proxy: FaultProxy) -> None:
        self.client = client
        self.request = request
        self._proxy = proxy

    @property
    def text(self) -> str:
        """The request's line and the beginning of its body, to be matched."""
        head, _, body = self.request.partition(b"\r\n\r\n")
        line = head.partition(b"\r\n")[0].decode()
        return f"{line} {body[:4096].decode('utf-8', 'replace')}"

    def forward(self) -> bytes:
        """What the server answers."""
        with self._proxy.connect() as server:
            server.sendall(self._proxy.to_server(self.request))
            answer = b"".join(iter(lambda: server.recv(PIECE), b""))
        return self._proxy.to_client(answer)

    def begin(self) -> None:
        """Give the server half of the request, and go away."""
        with self._proxy.connect() as server:
            request = self._proxy.to_server(self.request)
            server.sendall(request[: len(request) // 2])
            _reset_on_close(server)

    def send(self, data: bytes) -> None:
        """Give the client something."""
        self.client.sendall(data)

    def answer(self, status: str, body: str = "", **headers: str) -> None:
        """Answer in the server's place."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def reset(self) -> None:
        """Break the connection off (a TCP reset)."""
        _reset_on_close(self.client)

    def stall(self) -> None:
        """Say nothing until the client has gone, or the proxy ends."""
        self.client.settimeout(0.1)
        while not self._proxy.over.is_set():
            with suppress(TimeoutError):
                if not self.client.recv(1):
                    return


Strike = Callable[[Exchange], None]


@dataclass
class FaultProxy:
    """The proxy in front of `upstream`. `tls` is a context to serve with."""

    upstream: str
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    over: threading.Event = field(default_factory=threading.Event)
    struck: int = 0
    _strike: Strike | None = None
    _at_connect: bool = False
    _target: re.Pattern[str] = re.compile("")
    _left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _port: int = 0
    _listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """The proxy's address, in the place of the sandbox's."""
        return f"{'https' if self.tls else 'http'}://{self.address}:{self._port}"

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Serve until the end."""
        self.listen()
        try:
            yield self
        finally:
            self.over.set()
            self.refuse()

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        if self._listener:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self._port))
        listener.listen(64)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def refuse(self) -> None:
        """Take no connections until `listen`."""
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def arm(self, strike: Strike, target: str, times: int = 1, connect: bool = False) -> None:
        """From now on the next `times` requests that match meet the fault; with `connect`, the
        next connections whatever they bring."""
        self._strike, self._target, self._at_connect = strike, re.compile(target, re.S), connect
        self._left, self.struck = times, 0

    def disarm(self) -> None:
        """Pass everything on again."""
        self._left = 0

    def connect(self) -> socket.socket:
        """A connection to the sandbox."""
        parts = urlsplit(self.upstream)
        return socket.create_connection((parts.hostname or "", parts.port or 80), GIVE_UP)

    def to_server(self, request: bytes) -> bytes:
        """The request under the name that the server knows itself by."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        kept = [x for x in fields if not x.lower().startswith((b"host:", b"connection:"))]
        name = b"Host: " + urlsplit(self.upstream).netloc.encode()
        lines = [first, name, *kept, b"Connection: close", b"", body]
        return b"\r\n".join(lines)

    def to_client(self, answer: bytes) -> bytes:
        """The answer with the proxy's address in place of the server's."""
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"application/json" in head:
            body = body.replace(self.upstream.encode(), self.url.encode())
            length = b"Content-Length: %d" % len(body)
            head = re.sub(rb"(?im)^content-length: \d+", length, head)
        return head + b"\r\n\r\n" + body

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(GIVE_UP)
        with suppress(OSError), client:
            if self._at_connect and self._hit(""):
                _reset_on_close(client)
                return
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            with client:
                request = _read(client)
                if request:
                    self._exchange(Exchange(client, request, self))

    def _exchange(self, exchange: Exchange) -> None:
        if self._strike and not self._at_connect and self._hit(exchange.text):
            self._strike(exchange)
        else:
            exchange.send(exchange.forward())

    def _hit(self, text: str) -> bool:
        with self._lock:
            if not self._left or not self._target.search(text):
                return False
            self._left -= 1
            self.struck += 1
            return True


def _read(client: socket.socket) -> bytes:
    """A whole request, its body as it is on the wire."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(PIECE)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    chunked = re.search(rb"(?im)^transfer-encoding: chunked", head)
    while (length and len(body) < int(length[1])) or (chunked and not body.endswith(b"0\r\n\r\n")):
        piece = client.recv(PIECE)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def _reset_on_close(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
