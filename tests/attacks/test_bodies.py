"""Attacks by size and time: each is answered in seconds, and the server does not grow."""

from __future__ import annotations

import concurrent.futures
import gzip
import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from de_tasks.server import control
from de_tasks.server.settings import ServerSettings
from tests.support.addresses import client, here
from tests.support.apps import app_folder
from tests.support.attacker import (
    OPENID,
    REALM,
    REFUSED,
    Answer,
    alive,
    bearer,
    bounded,
    fortified,
    platform,
    request,
    talk,
)
from tests.support.backstage import backstage
from tests.support.people import log_in
from tests.support.waiting import BOUND, until

MEGABYTE = b"x" * 1024**2


@pytest.fixture(scope="module")
def fortress(lone_fortress: control.Running) -> control.Running:
    return lone_fortress


FORM = "application/x-www-form-urlencoded"
FORMS = [
    f"{REALM}/sign-in",
    f"{REALM}/device",
    f"{OPENID}/token",
    f"{OPENID}/revoke",
    f"{OPENID}/logout",
    f"{OPENID}/auth/device",
]
ENDPOINTS = [*FORMS, "/Manager/graphql", "/sandbox/users"]


def begin(running: control.Running, path: str, **headers: str) -> bytes:
    headers["Authorization"] = bearer(running)
    return request("POST", path, platform(running), Content_Type=FORM, **headers)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_of_a_million_megabytes(path: str, fortress: control.Running) -> None:
    # Refused for what it declares: nothing of it comes.
    start = begin(fortress, path, Content_Length=str(10**12))
    with bounded(fortress):
        assert talk(fortress, [start]).status == 413


@pytest.mark.parametrize("path", ENDPOINTS)
def test_body_without_end(path: str, fortress: control.Running) -> None:
    start, piece = begin(fortress, path, Transfer_Encoding="chunked"), b"100000\r\n%b\r\n"
    with bounded(fortress):
        answer = talk(fortress, itertools.chain([start], itertools.repeat(piece % MEGABYTE)))
    # A form has to declare its length.
    assert answer.status == (411 if path in FORMS else 413)


@pytest.mark.parametrize("length, signed_in", [(64 * 1024 + 1, False), (4 * 1024**2 + 1, True)])
def test_file_in_a_form_is_small_and_smaller_from_strangers(
    length: int, signed_in: bool, fortress: control.Running
) -> None:
    books = backstage(fortress)
    cookie = f"de-session-{fortress.port}={books.session(books.add())}" if signed_in else ""
    start = begin(fortress, "/apps/vault/env-file", Content_Length=str(length), Cookie=cookie)
    with bounded(fortress):
        assert talk(fortress, [start]).status == 413


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


def connect(running: control.Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), BOUND, (here.address, 0))


def test_many_idle_connections_leave_room(fortress: control.Running) -> None:
    with ExitStack() as held:
        idle = [held.enter_context(connect(fortress)) for _ in range(200)]
        assert alive(fortress)
        assert all(b" 408 " in connection.recv(100) for connection in idle)


@pytest.mark.sandbox
def test_connections_have_an_end(tmp_path: Path) -> None:
    with fortified(tmp_path / "data", connections=20, patience=600) as running:
        with ExitStack() as held:
            for _ in range(20):
                held.enter_context(connect(running))
            assert client().get(f"{running.url}/health", timeout=BOUND).status_code == 503
        until(lambda: alive(running), "room for a connection")


ECHO = """
def application(environ, start_response):
    size = len(environ["wsgi.input"].read())
    start_response("200 OK", [])
    return [str(size).encode()]
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_body_to_an_app_has_an_end(chunked: bool, small_app: str) -> None:
    def send(size: int) -> tuple[int, str]:
        data = iter([b"x" * size]) if chunked else b"x" * size
        answer = client().post(small_app, data=data, timeout=BOUND)
        return answer.status_code, answer.text

    assert send(1024**2) == (200, str(1024**2))
    assert send(1024**2 + 1)[0] == 413


@pytest.fixture(scope="module")
def small_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app whose platform takes 1 MiB."""
    base = tmp_path_factory.mktemp("small")
    needs = {"wsgi_py": ECHO, "requirements_txt": "gunicorn\n"}
    folder = app_folder(base, "echo", Procfile="web: gunicorn wsgi:application\n", **needs)
    everybody = "unauthenticated"
    with fortified(base / "data", body_limit=1024**2, view_access=everybody) as running:
        done = log_in(running, backstage(running).add(), base / "home").run(f"deploy {folder} -y")
        assert done.code == 0, done.err
        yield f"http://localhost:{running.port}/{folder.name}/"


def test_limits_are_those_of_the_documentation() -> None:
    settings = ServerSettings(Path("/"))
    assert (settings.connections, settings.body_limit) == (1000, 1024**3)


def test_compressed_bomb_is_not_unpacked(fortress: control.Running) -> None:
    bomb = gzip.compress(b"0" * 200 * 1024**2, 9)
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/json",
        "Authorization": bearer(fortress),
    }
    with bounded(fortress):
        for path in ("/Manager/graphql", "/sandbox/users", f"{OPENID}/token"):
            answer = client().post(fortress.url + path, bomb, headers=headers, timeout=BOUND)
            assert answer.status_code in REFUSED
