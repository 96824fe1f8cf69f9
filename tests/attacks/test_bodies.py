"""Attacks by size and time: each is answered in seconds, and the server does not grow."""

from __future__ import annotations

import concurrent.futures
import gzip
import itertools
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from de_tasks.server import control
from tests.support.attacker import (
    OPENID,
    REALM,
    REFUSED,
    Answer,
    bounded,
    genuine,
    platform,
    request,
    talk,
)

MEGABYTE = b"x" * 1024**2


FORM = "application/x-www-form-urlencoded"
ENDPOINTS = [
    f"{REALM}/sign-in",
    f"{REALM}/device",
    f"{OPENID}/token",
    f"{OPENID}/revoke",
    f"{OPENID}/logout",
    f"{OPENID}/auth/device",
    "/Manager/graphql",
    "/sandbox/users",
]


def begin(running: control.Running, path: str, **headers: str) -> bytes:
    header = f"Bearer {genuine(running)}"
    host = platform(running)
    return request("POST", path, host, Content_Type=FORM, Authorization=header, **headers)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_of_a_million_megabytes(path: str, fortress: control.Running) -> None:
    start = begin(fortress, path, Content_Length=str(10**12))
    with bounded(fortress):
        answer = talk(fortress, itertools.chain([start], itertools.repeat(MEGABYTE, 4)))
    assert answer.status in REFUSED


@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_without_end(path: str, fortress: control.Running) -> None:
    start, piece = begin(fortress, path, Transfer_Encoding="chunked"), b"100000\r\n%b\r\n"
    with bounded(fortress):
        answer = talk(fortress, itertools.chain([start], itertools.repeat(piece % MEGABYTE)))
    assert answer.status in REFUSED


DRIPPING = [f"{REALM}/sign-in", "/Manager/graphql", "/sandbox/users"]
FIRST = [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: "]


@pytest.fixture(scope="module")
def dripped(fortress: control.Running) -> dict[str | bytes, Answer]:
    """What requests that drip are answered, sent at once as each takes its time."""

    def drip(first: bytes) -> Iterator[bytes]:
        yield first
        while first:
            time.sleep(0.3)
            yield b"a"

    starts: dict[str | bytes, bytes] = {first: first for first in FIRST}
    starts |= {path: begin(fortress, path, Content_Length="60000") for path in DRIPPING}
    with concurrent.futures.ThreadPoolExecutor(len(starts)) as pool:
        answers = pool.map(lambda start: talk(fortress, drip(start)), starts.values())
        return dict(zip(starts, answers, strict=True))


@pytest.mark.parametrize("path", DRIPPING)
def test_body_that_drips(path: str, dripped: dict[str | bytes, Answer]) -> None:
    assert dripped[path].status == 408


@pytest.mark.parametrize("first", FIRST)
def test_headers_that_drip(first: bytes, dripped: dict[str | bytes, Answer]) -> None:
    assert dripped[first].status == 408


def test_headers_without_end(fortress: control.Running) -> None:
    start = f"GET / HTTP/1.1\r\nHost: {platform(fortress)}\r\n".encode()
    with bounded(fortress):
        answer = talk(fortress, itertools.chain([start], itertools.repeat(b"X: " + MEGABYTE)))
    assert answer.status in REFUSED


def test_many_headers(fortress: control.Running) -> None:
    headers = b"".join(b"X-%d: y\r\n" % n for n in range(100_000))
    start = f"GET / HTTP/1.1\r\nHost: {platform(fortress)}\r\n".encode()
    with bounded(fortress):
        answer = talk(fortress, [start + headers + b"\r\n"])
    assert answer.status in REFUSED


def test_address_without_end(fortress: control.Running) -> None:
    with bounded(fortress):
        answer = talk(fortress, itertools.chain([b"GET /"], itertools.repeat(b"a" * 10_000)))
    assert answer.status in REFUSED


def test_many_idle_connections_leave_room(fortress: control.Running) -> None:
    held = [socket.create_connection(("127.0.0.1", fortress.port)) for _ in range(200)]
    try:
        assert requests.get(f"{fortress.url}/health", timeout=5).status_code == 200
        time.sleep(2.5)
        ended = 0
        for connection in held:
            connection.settimeout(1)
            ended += b" 408 " in connection.recv(100)
        assert ended == len(held)
    finally:
        for connection in held:
            connection.close()


def test_compressed_bomb_is_not_unpacked(fortress: control.Running) -> None:
    bomb = gzip.compress(b"0" * 200 * 1024**2, 9)
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {genuine(fortress)}",
    }
    with bounded(fortress):
        for path in ("/Manager/graphql", "/sandbox/users", f"{OPENID}/token"):
            answer = requests.post(fortress.url + path, bomb, headers=headers, timeout=10)
            assert answer.status_code in REFUSED
