"""An attacker's tools: bytes of any kind over a socket, and how the server took them."""

from __future__ import annotations

import base64
import functools
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from de_tasks.server import control
from de_tasks.server.users.tokens import TokenSet
from tests.support.addresses import client, here
from tests.support.backstage import backstage
from tests.support.waiting import BOUND

REALM = "/auth/realms/dash"
OPENID = f"{REALM}/protocol/openid-connect"
LIMITS: dict[str, int | str] = {
    "port": 0,
    "rate_limit_points": 5000,
    "rate_limit_seconds": 3600,
    "patience": 2,
    "sign_in_failures": 3,
    "sign_in_seconds": 3600,
    "push_limit": 20 * 1024**2,
}
"""Little patience, small limits, and windows that do not end during a test."""
REFUSED = set(range(400, 500))
GROWTH = 64 * 1024**2
"""Bytes: what an attack may add to the server's memory. Hashing one password takes as many."""


@dataclass(frozen=True)
class Answer:
    """Status, headers as they came, and the beginning of the body. Status 0: closed without."""

    status: int
    headers: str
    body: str


@contextmanager
def fortified(data: Path, **more: int | str) -> Iterator[control.Running]:
    """A sandbox to attack, for as long as the block lasts."""
    running = control.start(data, {**LIMITS, **more})
    try:
        yield running
    finally:
        control.stop(running)


def talk(running: control.Running, pieces: Iterable[bytes]) -> Answer:
    """Send pieces until the server answers; raises `TimeoutError` when it never does."""
    deadline, sending = time.monotonic() + BOUND, iter(pieces)
    received, rest, ended = b"", b"", False
    address, source = ("127.0.0.1", running.port), (here.address, 0)
    with socket.create_connection(address, BOUND, source) as connection:
        connection.setblocking(False)
        while not whole(received):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer within {BOUND:.0f} s")
            if not (rest or ended) and b"\r\n\r\n" not in received:
                rest = next(sending, b"")
            senders = [connection] if rest else []
            readable, writable, _ = select.select([connection], senders, [], 0.1)
            try:
                if readable:
                    chunk = connection.recv(65536)
                    if not chunk:
                        break
                    received += chunk
                elif writable:
                    rest = rest[connection.send(rest) :]
            except ConnectionError:
                if ended:
                    break
                # The server takes no more; its answer may be there to be read.
                rest, ended = b"", True
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    match = re.match(r"HTTP/1\.1 (\d+)", head)
    return Answer(int(match[1]) if match else 0, head, body)


def whole(received: bytes) -> bool:
    """Whether all of an answer is there that it declares, or 64 KiB of it; one that declares
    nothing goes on to the end of the connection."""
    head, end, body = received.partition(b"\r\n\r\n")
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return body.endswith(b"0\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(end and length and len(body) >= min(int(length[1]), 65536))


def request(method: str, target: str, host: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A request as bytes; nothing of it is made proper."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body and "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def platform(running: control.Running) -> str:
    """The Host of the platform."""
    return f"127.0.0.1:{running.port}"


def memory(running: control.Running) -> int:
    """Bytes that the server holds."""
    text = Path(f"/proc/{running.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


@contextmanager
def bounded(running: control.Running) -> Iterator[None]:
    """The server stays small, and answers others afterwards. Nobody else may use it meanwhile."""
    before = memory(running)
    yield
    assert memory(running) - before < GROWTH
    assert alive(running)


def alive(running: control.Running) -> bool:
    """Whether the server answers."""
    return client().get(f"{running.url}/health", timeout=BOUND).status_code == 200


def basic(user: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def post(running: control.Running, endpoint: str, **fields: str) -> requests.Response:
    """Ask an OpenID endpoint as the client `dash`."""
    data = {"client_id": "dash", **fields}
    return client().post(f"{running.url}{OPENID}/{endpoint}", data=data, timeout=BOUND)


def login(running: control.Running, stem: str = "admin") -> TokenSet:
    """Tokens of a new login of a new user."""
    books = backstage(running)
    return books.tokens(books.add(stem))


def bearer(running: control.Running, stem: str = "admin") -> str:
    """The Authorization header of a new user, who has all points left."""
    return f"Bearer {login(running, stem).access_token}"


@functools.cache
def genuine(running: control.Running) -> str:
    """A good access token of an admin who does nothing else, and has an app `vault` to break
    into."""
    token = login(running).access_token
    ask(running, 'mutation { addApp(name: "vault") { error } }', f"Bearer {token}")
    return token


def ask(
    running: control.Running, query: str, authorization: str, **variables: object
) -> requests.Response:
    """Ask the platform API."""
    return client().post(
        f"{running.url}/Manager/graphql",
        json={"query": query, "variables": variables},
        headers={"Authorization": authorization},
        timeout=BOUND,
    )


def opened(running: control.Running, token: str) -> set[int]:
    """What API, git, user info and administration say to a token."""
    genuine(running)
    header = {"Authorization": f"Bearer {token}"}
    answers = [ask(running, "{ current { username } }", header["Authorization"])]
    for path in (
        "/GIT/vault/info/refs?service=git-upload-pack",
        f"{OPENID}/userinfo",
        "/sandbox/users",
    ):
        answers.append(client().get(running.url + path, headers=header, timeout=BOUND))
    return {answer.status_code for answer in answers}
