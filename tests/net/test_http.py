"""Answers that never end, and answers that are too long."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import repeat
from unittest.mock import Mock

import pytest

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net import deadline
from de_tasks.net.deadline import Deadline
from de_tasks.net.http import Transport, Unavailable
from tests.support.faultproxy import Exchange, FaultProxy
from tests.support.serving import served
from tests.support.waiting import BOUND, until

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: 9999999999\r\n\r\n"
FLOOD = 64 * 1024 * b"x"


@pytest.fixture
def app() -> Iterator[FaultProxy]:
    """Somebody who answers as the test has it."""
    with FaultProxy("http://127.0.0.1:9").running() as proxy:
        yield proxy


def endless(app: FaultProxy, head: bytes, piece: bytes, pause: float = 0.02) -> None:
    """Answer with a head, and then with a piece again and again."""

    def strike(exchange: Exchange) -> None:
        exchange.send(head)
        end = time.monotonic() + BOUND
        for part in repeat(piece):
            exchange.send(part)
            if app.over.wait(pause) or time.monotonic() > end:
                return

    app.arm(strike, "GET", times=99)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 O", OK, OK + b"X: "])
def test_headers_that_trickle_are_not_waited_for_after_the_deadline(
    app: FaultProxy, head: bytes
) -> None:
    endless(app, head, b"x")
    with pytest.raises(Unavailable, match="did not answer in time"):
        Transport().glance(app.url, 0.5)


@pytest.mark.parametrize(
    ("head", "piece", "pause"),
    [
        (CHUNKED, b"1\r\nx\r\n", 0.02),
        (CHUNKED, b"10000\r\n" + FLOOD + b"\r\n", 0),
        (OK + LENGTH, b"x", 0.02),
        (OK + LENGTH, FLOOD, 0),
        (OK + b"\r\n", b"", 0.02),
        (OK + b"Content-Encoding: gzip\r\n" + LENGTH, b"\x1f", 0.02),
    ],
)
def test_the_status_of_a_stream_is_that_of_its_headers(
    app: FaultProxy, head: bytes, piece: bytes, pause: float
) -> None:
    endless(app, head, piece, pause)
    assert Transport().glance(app.url, 0.5).status == 200


def test_the_body_of_a_redirect_is_not_read(app: FaultProxy) -> None:
    endless(app, b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n" + LENGTH, FLOOD, 0)
    assert Transport().glance(app.url, 0.5).status == 302


def test_an_app_that_breaks_off_at_once_is_not_there(app: FaultProxy) -> None:
    app.arm(lambda exchange: exchange.send(OK + LENGTH + b"x"), "GET")
    server = app.url.removeprefix("http://")
    with pytest.raises(Unavailable, match=rf"^The connection to {server} was cut\."):
        Transport().glance(app.url, 5)


@pytest.mark.parametrize("head", [OK + b"X: ", CHUNKED + b"1\r\nx\r\n", OK + LENGTH, OK + b"\r\n"])
def test_an_answer_that_trickles_is_no_answer(app: FaultProxy, head: bytes) -> None:
    endless(app, head, b"1\r\nx\r\n" if b"chunked" in head else b"x")
    with pytest.raises(Unavailable, match="did not answer in time"):
        Transport().request("GET", app.url, seconds=0.1)


def test_an_answer_that_is_too_long_is_refused(app: FaultProxy) -> None:
    endless(app, OK + LENGTH, FLOOD, 0)
    with pytest.raises(DeTasksError, match=r"sends more than 1.0 MB in one answer"):
        Transport().request("GET", app.url, largest=10**6)


def test_a_proxy_that_trickles_is_no_answer(
    app: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless(app, OK + b"X: ", b"x")
    monkeypatch.setenv("HTTP_PROXY", app.url)
    transport = Transport()
    for _ in range(2):
        with pytest.raises(Unavailable, match="did not answer in time"):
            transport.glance("http://app.example/", 0.2)


def test_a_connection_is_kept_and_watched_again(app: FaultProxy) -> None:
    def twice(exchange: Exchange) -> None:
        exchange.send(OK + b"Content-Length: 2\r\n\r\n{}")
        exchange.client.recv(4096)
        exchange.send(OK + b"X: ")
        exchange.stall()

    app.arm(twice, "GET")
    transport = Transport()
    assert transport.request("GET", app.url).json() == {}
    with pytest.raises(Unavailable, match="did not answer in time"):
        transport.glance(app.url, 0.3)
    assert app.struck == 1


def test_name_that_no_resolver_knows_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable) as found:
        Transport().glance("http://nosuch.example/", 1)
    assert found.value.exit_code == 2 and "There is no host nosuch.example" in str(found.value)


def test_name_that_no_resolver_can_look_up_may_be_there_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", away)
    words = r"^The name of a\.example cannot be resolved now: is the network down\?$"
    with pytest.raises(Unavailable, match=words) as found:
        Transport().glance("http://a.example/", 1)
    assert (found.value.sent, found.value.patience, found.value.exit_code) == (False, 3, 75)


def test_server_without_tls_is_told_from_one_that_breaks_off() -> None:
    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    with served(Quiet) as address:
        server = address.removeprefix("http://")
        with pytest.raises(UsageError) as found:
            Transport().request("GET", f"https://{server}/")
    remedy = f"If it is a sandbox, write {address}"
    assert str(found.value) == f"{server} does not speak TLS there. {remedy}"


def test_what_cannot_be_asked_at_all_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "ALL_PROXY", "ftp_proxy", "FTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"^a\.example cannot be asked: InvalidSchema\.$"):
        Transport().request("GET", "ftp://a.example/")
    transport = Transport()
    session = Mock(request=Mock(side_effect=OSError(errno.EMFILE, "Too many open files")))
    monkeypatch.setattr(transport, "_session", session)
    with pytest.raises(UsageError, match=r"^a\.example cannot be asked: Too many open files\.$"):
        transport.request("GET", "http://a.example/")


def test_connection_that_is_made_after_the_deadline_is_ended() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Deadline(0) as over:
        until(lambda: over.passed, "the deadline has passed")
        over.watch(ours)
        theirs.settimeout(BOUND)
        assert theirs.recv(1) == b""


def test_fault_after_the_deadline_is_its_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*arguments: object, **options: object) -> None:
        until(lambda: deadline._of_thread.deadline.passed, "the deadline has passed")
        raise OSError(errno.EBADF, "Bad file descriptor")

    transport = Transport()
    monkeypatch.setattr(transport, "_session", Mock(request=late))
    with pytest.raises(Unavailable, match=r"^a\.example did not answer in time\."):
        transport.request("GET", "http://a.example/", seconds=0.01)
