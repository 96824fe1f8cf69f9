"""Which addresses of those that a server names are used, and for what."""

from __future__ import annotations

import pytest

from de_tasks.config.host import Host
from de_tasks.config.settings import load
from de_tasks.errors import DeTasksError

TLS = Host.parse("de.corp")
PLAIN = Host.parse("http://127.0.0.1:8888")
BAD = (
    *("javascript:alert(1)", "javascript://de.corp/%0aalert(1)", "file:///etc/passwd", "", "x"),
    *("https://", "https:///x", "https://de.corp:x/", "//de.corp/x", "ssh://de.corp/x", "-x"),
    *("https://evil\\@de.corp/", "https://de.corp@evil/", "https://de.corp/\n", "ext::sh -c x"),
)


@pytest.mark.parametrize("host", [TLS, PLAIN], ids=["tls", "plain"])
@pytest.mark.parametrize("address", BAD)
def test_address_that_nothing_is_sent_to(host: Host, address: str) -> None:
    for check in (host.trusted, host.own, host.entrusted):
        with pytest.raises(DeTasksError, match="names a"):
            check(address)


def test_plain_http_is_for_hosts_without_tls_alone() -> None:
    assert PLAIN.trusted("http://localhost:9/shop/")
    assert Host.parse("https://127.0.0.1:8888").trusted("http://localhost:9/shop/")
    assert TLS.trusted("https://elsewhere/login")
    for host, address in ((TLS, "http://de.corp/shop/"), (PLAIN, "http://evil/shop/")):
        with pytest.raises(DeTasksError, match="not safe"):
            host.trusted(address)


def test_page_of_an_app_lies_on_the_host() -> None:
    assert TLS.own("https://de.corp/shop/") and TLS.own("https://shop.de.corp/")
    assert PLAIN.own("http://localhost:8888/shop/")
    for address in ("https://evil/shop/", "https://evilde.corp/", "https://de.corp.evil/"):
        with pytest.raises(DeTasksError, match="on another host"):
            TLS.own(address)


@pytest.mark.parametrize(
    "address",
    [
        *("http://de.corp/GIT/a", "https://git.de.corp/a", "https://de.corp:444/GIT/a"),
        *("https://evil/GIT/a", "https://de.corp.evil/GIT/a", "http://127.0.0.1/GIT/a"),
    ],
)
def test_login_is_sent_to_the_hosts_own_servers_alone(address: str) -> None:
    assert TLS.entrusted("https://de.corp/GIT/a") and TLS.entrusted("https://DE.corp:443/GIT/a")
    with pytest.raises(DeTasksError, match=r"set de\.git \(INVOKE_DE_GIT\)"):
        TLS.entrusted(address)


def test_git_server_that_the_user_names_gets_the_login() -> None:
    host = Host.of("de.corp", load({"git": "https://git.corp:8443/GIT"}))
    assert host.entrusted("https://git.corp:8443/GIT/a")
