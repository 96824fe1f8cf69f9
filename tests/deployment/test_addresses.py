"""A login goes to the host's own servers, whatever addresses the platform names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.faultproxy import Exchange, FaultProxy
from tests.support.people import People, Person, log_in

ELSEWHERE = "127.0.0.2"


@pytest.fixture
def proxy(people: People) -> Iterator[FaultProxy]:
    """What stands before the sandbox, and can name other addresses."""
    made = FaultProxy(people["dev"].host)
    with made.running():
        yield made


@pytest.fixture
def behind(sandbox: control.Running, people: People, proxy: FaultProxy, tmp_path: Path) -> Person:
    """`dev`, who reaches the sandbox by what stands before it."""
    return log_in(sandbox, people["dev"].name, tmp_path / "behind", proxy.url)


def naming(proxy: FaultProxy, before: str, after: str) -> None:
    """Let the platform name another address, of as many characters, from now on."""

    def strike(exchange: Exchange) -> None:
        exchange.send(exchange.forward().replace(before.encode(), after.encode()))

    proxy.arm(strike, "graphql", times=1000)


def test_git_address_elsewhere_gets_no_login(behind: Person, proxy: FaultProxy, page: Path) -> None:
    assert behind.run(f"apps create --name {page.name}").code == 0
    there = FaultProxy(behind.host, address=ELSEWHERE, _port=int(proxy.url.rpartition(":")[2]))
    seen: list[str] = []
    there.arm(lambda exchange: seen.append(exchange.text), "", times=1000)
    naming(proxy, f"{proxy.url}/GIT", f"{there.url}/GIT")
    with there.running():
        for line in (f"deploy {page} -y", f"diff --name {page.name} --path {page}"):
            done = behind.run(line)
            assert done.code == 1 and "names a git repository on another server" in done.err
    assert seen == []


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)//", "file:///etc/passwd#", "http://elsewhere.example/"]
)
def test_browser_gets_web_addresses_of_the_host_alone(
    behind: Person, proxy: FaultProxy, page: Path, address: str
) -> None:
    assert behind.run(f"apps create --name {page.name}").code == 0
    good = behind.run(f"open --name {page.name}")
    assert good.opened == (good.out.strip(),)
    naming(proxy, good.out.strip(), address.ljust(len(good.out.strip()), "x"))
    done = behind.run(f"open --name {page.name}")
    assert (done.code, done.opened) == (1, ()) and "names an address" in done.err
