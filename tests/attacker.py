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
from typing import Any

import requests

from de_tasks.server import control
from tests.browser import Browser
from tests.support.people import passwords

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
    with socket.create_connection(("127.0.0.1", running.port), timeout=0.05) as connection:
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
    return requests.post(f"{running.url}{OPENID}/{endpoint}", data=data, timeout=10)


def login(running: control.Running, user: str = "admin") -> dict[str, Any]:
    """Tokens of a new login."""
    word = passwords(running)[user]
    answer = post(running, "token", grant_type="password", username=user, password=word)
    found: dict[str, Any] = answer.json()
    return found


@functools.cache
def genuine(running: control.Running) -> str:
    """A good access token of admin's; and admin has an app `vault` to break into."""
    token = str(login(running)["access_token"])
    ask(running, 'mutation { addApp(name: "vault") { error } }', f"Bearer {token}")
    return token


@functools.cache
def signed_in(running: control.Running, user: str, to: str) -> Browser:
    """A user's browser for some purpose, which an attack that locks the user out does not touch."""
    browser = Browser(running)
    browser.sign_in(user)
    return browser


@functools.cache
def keeper(running: control.Running) -> str:
    """The password of `keeper`, another admin, whom no attack locks out."""
    wish = {"username": "keeper", "role": "admin", "groups": []}
    return str(control.administer(running, "users", wish)["password"])


def ask(
    running: control.Running, query: str, authorization: str, **variables: object
) -> requests.Response:
    """Ask the platform API."""
    return requests.post(
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
        answers.append(requests.get(running.url + path, headers=bearer, timeout=10))
    return {answer.status_code for answer in answers}


def from_address(address: str) -> requests.Session:
    """A client that comes from another address of loopback: failures are counted by it."""
    session = requests.Session()

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: object, **options: object) -> None:
            super().init_poolmanager(*args, source_address=(address, 0), **options)  # type: ignore[arg-type,no-untyped-call]

    session.mount("http://", Adapter())
    return session
