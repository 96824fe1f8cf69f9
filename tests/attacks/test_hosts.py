"""Attacks by the head of a request: hosts, lines that two servers read differently, headers."""

from __future__ import annotations

import pytest

from de_tasks.server import control
from tests.support.attacker import OPENID, REALM, REFUSED, alive, platform, request, talk

HOSTS = {
    "foreign": "evil.example",
    "foreign with our port": "evil.example:{port}",
    "foreign below us": "127.0.0.1.evil.example:{port}",
    "no port": "127.0.0.1",
    "another port": "127.0.0.1:1",
    "user part": "127.0.0.1:{port}@evil.example",
    "user before": "evil@127.0.0.1:{port}",
    "dot": "localhost.:{port}",
    "all interfaces": "0.0.0.0:{port}",
    "number": "2130706433:{port}",
    "octal": "0177.0.0.1:{port}",
    "six": "[::1]:{port}",
    "mapped": "[::ffff:127.0.0.1]:{port}",
    "two": "127.0.0.1:{port}, evil.example",
    "empty": "",
    "path": "127.0.0.1:{port}/x",
    "tab": "127.0.0.1:{port}\tevil",
    "long": "a" * 5000,
    "below localhost": "x.localhost:{port}",
}


@pytest.mark.parametrize("kind", HOSTS)
def test_host_that_is_not_ours(kind: str, fortress: control.Running) -> None:
    host = HOSTS[kind].format(port=fortress.port)
    answer = talk(fortress, [request("GET", "/health", host)])
    assert answer.status in (400, 421) and 'sandbox"' not in answer.body


MORE_HOSTS = {
    "two headers": b"GET /health HTTP/1.1\r\nHost: {0}\r\nHost: evil.example\r\n\r\n",
    "none": b"GET /health HTTP/1.1\r\n\r\n",
    "old version": b"GET /health HTTP/1.0\r\n\r\n",
    "folded": b"GET /health HTTP/1.1\r\nHost: evil\r\n .example\r\n\r\n",
    "space before colon": b"GET /health HTTP/1.1\r\nHost : {0}\r\n\r\n",
    "address in the line": b"GET http://evil.example/health HTTP/1.1\r\nHost: {0}\r\n\r\n",
    "connect": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: {0}\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\nHost: {0}\r\n\r\n",
}


@pytest.mark.parametrize("kind", MORE_HOSTS)
def test_request_line_and_host_at_odds(kind: str, fortress: control.Running) -> None:
    data = MORE_HOSTS[kind].replace(b"{0}", platform(fortress).encode())
    answer = talk(fortress, [data])
    assert answer.status in REFUSED and "evil" not in answer.headers


def test_forwarded_host_is_not_believed(fortress: control.Running) -> None:
    headers = {"X_Forwarded_Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = talk(
        fortress,
        [
            request(
                "GET", f"{REALM}/.well-known/openid-configuration", platform(fortress), **headers
            )
        ],
    )
    assert answer.status == 200 and "evil" not in answer.body + answer.headers


SMUGGLED = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "negative": b"Content-Length: -1\r\n\r\n",
    "plus": b"Content-Length: +5\r\n\r\nhello",
    "hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "other digits": b"Content-Length: \xd9\xa5\r\n\r\nhello",
    "thousands of digits": b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "unknown encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "huge chunk": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello",
    "control in a name": b"X\x01Y: 1\r\n\r\n",
    "control in a value": b"X: a\x00b\r\n\r\n",
    "no colon": b"just words\r\n\r\n",
}


@pytest.mark.parametrize("kind", SMUGGLED)
def test_request_that_two_servers_read_differently(kind: str, fortress: control.Running) -> None:
    start = f"POST {OPENID}/token HTTP/1.1\r\nHost: {platform(fortress)}\r\n".encode()
    answer = talk(fortress, [start + SMUGGLED[kind]])
    assert answer.status in REFUSED and alive(fortress)


INJECTED = [
    "/vault%0d%0aSet-Cookie:%20a=b",
    "/vault%0aLocation:%20https://evil.example/",
    "/docs?to=%0d%0aX-Evil:%201",
    f"{REALM}/sign-in?to=/x%0d%0aX-Evil:%201",
    f"{REALM}/device?user_code=%0d%0aX-Evil:%201",
    f"{OPENID}/auth?client_id=dash-apps&state=%0d%0aX-Evil:%201",
    "/%E5%98%8D%E5%98%8AX-Evil:%201",
]


@pytest.mark.parametrize("path", INJECTED)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_header_in_an_address(host: str, path: str, fortress: control.Running) -> None:
    answer = talk(fortress, [request("GET", path, f"{host}:{fortress.port}")])
    lines = [line.partition(":")[0].lower() for line in answer.headers.split("\r\n")[1:]]
    assert answer.status and "x-evil" not in lines and "a=b" not in answer.headers


def test_socket_to_the_platform_is_refused(fortress: control.Running) -> None:
    for path in ("/", "/GIT/vault", "/Manager/graphql"):
        answer = talk(
            fortress,
            [
                request(
                    "GET",
                    path,
                    platform(fortress),
                    Connection="Upgrade",
                    Upgrade="websocket",
                    Sec_WebSocket_Version="13",
                    Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
                )
            ],
        )
        assert answer.status in REFUSED
