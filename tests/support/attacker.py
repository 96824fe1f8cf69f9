"""An attacker's tools: bytes of any kind over a socket, and how the server took them."""

from __future__ import annotations

import base64
import functools
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from de_tasks.server import control
from de_tasks.server.tokens import TokenSet
from tests.support.addresses import client, here
from tests.support.backstage import backstage

REALM = "/auth/realms/dash"
OPENID = f"{REALM}/protocol/openid-connect"
SECONDS = 15.0
REFUSED = set(range(400, 500))
GROWTH = 64 * 1024**2
"""Bytes: what an attack may add to the server's memory. Hashing one password takes as many."""


@dataclass(frozen=True)
class Answer:
    """Status, headers as they came, and the beginning of the body. Status 0: closed without."""

    status: int
    headers: str
    body: str


def talk(running: control.Running, pieces: Iterable[bytes], seconds: float = SECONDS) -> Answer:
    """Send pieces until the server answers; raises `TimeoutError` when it does not in time."""
    deadline = time.monotonic() + seconds
    with socket.create_connection(
        ("127.0.0.1", running.port), timeout=0.05, source_address=(here.address, 0)
    ) as connection:
        received, sending = b"", iter(pieces)
        while b"\r\n\r\n" not in received:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer within {seconds} s")
            piece = next(sending, None)
            try:
                if piece is not None:
                    connection.settimeout(1)
                    connection.sendall(piece)
                connection.settimeout(0.002 if piece is not None else 0.1)
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if not chunk:
                break
            received += chunk
        connection.settimeout(0.3)
        try:
            while not whole(received) and (chunk := connection.recv(65536)):
                received += chunk
        except OSError:
            pass
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    match = re.match(r"HTTP/1\.1 (\d+)", head)
    return Answer(int(match[1]) if match else 0, head, body)


def whole(received: bytes) -> bool:
    """Whether all that an answer declares is there; one without a length goes on to its end."""
    head, end, body = received.partition(b"\r\n\r\n")
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
    """The server stays small and answers others in between."""
    before, begin = memory(running), time.monotonic()
    yield
    assert time.monotonic() - begin < 2 * SECONDS
    assert memory(running) - before < GROWTH
    assert requests.get(f"{running.url}/health", timeout=5).status_code == 200


def basic(user: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def post(running: control.Running, endpoint: str, **fields: str) -> requests.Response:
    """Ask an OpenID endpoint as the client `dash`."""
    data = {"client_id": "dash", **fields}
    return client().post(f"{running.url}{OPENID}/{endpoint}", data=data, timeout=10)


def login(running: control.Running, stem: str = "admin") -> TokenSet:
    """Tokens of a new login of a new user."""
    books = backstage(running)
    return books.tokens(books.add(stem))


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
        timeout=10,
    )


def opened(running: control.Running, token: str) -> set[int]:
    """What API, git, user info and administration say to a token."""
    genuine(running)
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [ask(running, "{ current { username } }", bearer["Authorization"])]
    for path in (
        "/GIT/vault/info/refs?service=git-upload-pack",
        f"{OPENID}/userinfo",
        "/sandbox/users",
    ):
        answers.append(client().get(running.url + path, headers=bearer, timeout=10))
    return {answer.status_code for answer in answers}
