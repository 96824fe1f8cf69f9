"""What goes to this machine stays on it, whatever proxy is set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from de_tasks.config.host import on_this_machine
from tests.support import backstage
from tests.support.people import Person
from tests.support.serving import served


@pytest.fixture
def reached() -> Iterator[tuple[str, list[str]]]:
    """A proxy that refuses everything: its address, and what reached it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.command} {self.path}")
            self.send_error(403)

        do_POST = do_CONNECT = do_GET

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as address:
        yield address, seen


@pytest.fixture
def proxied(dev: Person, reached: tuple[str, list[str]]) -> Person:
    """`dev`, behind a proxy for everything."""
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return replace(dev, environment=dict.fromkeys(names, reached[0]))


def test_no_proxy_sees_what_is_for_this_machine(
    proxied: Person, reached: tuple[str, list[str]], page: Path
) -> None:
    login = f"login --username {proxied.name} --password-stdin"
    assert proxied.run(login, stdin=backstage.PASSWORD).code == 0
    done = proxied.run(f"deploy {page} -y")
    assert done.code == 0, done.err
    assert proxied.run(f"status --name {page.name}").code == 0
    assert reached[1] == []


def test_proxy_sees_what_is_for_other_machines(
    proxied: Person, reached: tuple[str, list[str]]
) -> None:
    for host in ("http://de.example", "https://de.example"):
        other = replace(proxied, host=host)
        extra = {"INVOKE_DE_INSECURE_HTTP": "1", "INVOKE_DE_RETRY_ATTEMPTS": "1"}
        other.environment = {**proxied.environment, **extra}
        other.run("login --username dev --password-stdin", stdin="x")
    assert [line.split()[0] for line in reached[1]][:1] == ["GET"]
    assert "CONNECT de.example:443" in reached[1][-1]


@pytest.mark.parametrize(
    ("address", "here"),
    [
        *(("http://127.0.0.1:8/x", True), ("https://127.9.9.9/", True), ("http://[::1]:8/", True)),
        *(("http://localhost/", True), ("http://LOCALHOST./", True), ("http://a.localhost/", True)),
        *(("http://127.evil.example/", False), ("http://localhost.evil/", False), ("x", False)),
        *(("http://localhost@evil/", False), ("http://[::/", False), ("", False)),
    ],
)
def test_addresses_of_this_machine(address: str, here: bool) -> None:
    assert on_this_machine(address) == here


@pytest.mark.parametrize(
    ("variable", "proxy", "remedy"),
    [
        ("ALL_PROXY", "socks5h://me:secret@127.0.0.1:9", 'pip install "requests[socks]"'),
        ("https_proxy", "http://me:secret@:9", "write https_proxy like http://proxy.example:3128"),
        ("HTTPS_PROXY", "ftp://me:secret@127.0.0.1:9", "write HTTPS_PROXY like http://"),
    ],
)
def test_proxy_that_cannot_be_used_is_named_by_its_variable(
    variable: str, proxy: str, remedy: str, nobody: Person
) -> None:
    other = replace(nobody, host="https://de.example", environment={variable: proxy})
    done = other.run("login --username dev --password-stdin", stdin="x")
    assert variable in done.err and remedy in done.err and "secret" not in done.err
