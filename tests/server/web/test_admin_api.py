"""How commands on this machine administer a sandbox: its key, what it refuses, where it listens."""

from __future__ import annotations

import errno
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server import __main__ as server
from de_tasks.server import control
from tests.support.addresses import client
from tests.support.canned import serving
from tests.support.report import needs
from tests.support.waiting import BOUND

SAID = "There is a user dev already."
STATUS = "The sandbox answered with status 400."
BODIES: dict[str, tuple[object, str]] = {
    "error": ({"error": SAID}, SAID),
    "errors": ({"errors": [{"message": SAID, "extensions": {}}]}, SAID),
    "errors in error": ({"error": {"errors": [{"message": SAID}]}}, SAID),
    "error that is nothing": ({"error": None}, STATUS),
    "error that is empty": ({"error": ""}, STATUS),
    "error that is a number": ({"error": 5}, STATUS),
    "no errors": ({"errors": []}, STATUS),
    "errors that are nothing": ({"errors": None}, STATUS),
    "message that is nothing": ({"errors": [{"message": None}]}, STATUS),
    "object": ({}, STATUS),
    "list": ([1, 2], STATUS),
    "list of errors": ([{"error": SAID}], STATUS),
    "number": ("5", STATUS),
    "nothing": ("null", STATUS),
    "no JSON": ("{", STATUS),
    "page": ("<html><h1>Bad Gateway</h1></html>", STATUS),
    "empty": ("", STATUS),
    "nested": ("[" * 60_000, STATUS),
}


@pytest.mark.parametrize("kind", BODIES)
def test_refusal_is_a_sentence_whatever_the_body_is(kind: str, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("key")
    body, sentence = BODIES[kind]
    with serving((), users=(400, body)) as canned:
        running = control.Running(0, canned.url, 0, "", tmp_path)
        with pytest.raises(DeTasksError) as refused:
            control.administer(running, "users", {})
    assert str(refused.value) == sentence


def test_refusal_is_the_sentence_of_the_sandbox(sandbox: control.Running) -> None:
    with pytest.raises(DeTasksError, match="'emperor' is not a role"):
        control.administer(sandbox, "users", {"username": "x", "role": "emperor"})
    with pytest.raises(DeTasksError, match="status 404"):
        control.administer(sandbox, "nothing", {})


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"null", b"[" * 60_000])
def test_request_that_is_no_object_is_said_to_be_none(
    body: bytes, sandbox: control.Running
) -> None:
    key = (sandbox.data / "admin.key").read_text()
    headers = {"Authorization": f"Bearer {key}"}
    answer = client().post(f"{sandbox.url}/sandbox/users", body, headers=headers, timeout=BOUND)
    assert answer.status_code == 400
    assert answer.json() == {"error": "The request is not a JSON object."}


def test_missing_key_is_explained(tmp_path: Path) -> None:
    running = control.Running(0, "http://127.0.0.1:1", 1, "", tmp_path)
    with pytest.raises(DeTasksError, match=r"admin\.key cannot be read.+Restart the sandbox"):
        control.administer(running, "users", {})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[control.Running]:
    """A sandbox that the test may stop."""
    running = control.start(tmp_path / "data", {"port": 0})
    yield running
    if control.find(running.data):
        control.stop(running)


def users(running: control.Running, key: str) -> int:
    header = {"Authorization": f"Bearer {key}"}
    return client().get(f"{running.url}/sandbox/users", headers=header, timeout=BOUND).status_code


def test_key_is_for_this_user_and_this_run(own: control.Running) -> None:
    file = own.data / "admin.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_text()
    assert users(own, first) == 200
    control.stop(own)
    assert not file.exists()
    again = control.start(own.data, {"port": 0})
    try:
        assert (users(again, first), users(again, file.read_text())) == (403, 200)
    finally:
        control.stop(again)


def test_nothing_but_the_whole_key_is_taken(sandbox: control.Running) -> None:
    key = (sandbox.data / "admin.key").read_text()
    assert len(key) >= 43
    for wrong in ("", key[:-1], key + "x", key.swapcase(), "None", "\xe9"):
        assert users(sandbox, wrong) == 403


def test_key_is_for_administration_alone(sandbox: control.Running) -> None:
    header = {"Authorization": f"Bearer {(sandbox.data / 'admin.key').read_text()}"}
    body = {"query": "{ current { username } }"}
    url = f"{sandbox.url}/Manager/graphql"
    assert client().post(url, json=body, headers=header, timeout=BOUND).status_code == 401


PRIVATE = ["admin.key", "passwords.json", "signing-key.json", "api-keys.secret", "running.json"]


@pytest.mark.parametrize("name", PRIVATE)
def test_secrets_are_for_this_user_alone(name: str, sandbox: control.Running) -> None:
    assert stat.S_IMODE((sandbox.data / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(sandbox.data.stat().st_mode) == 0o700


@pytest.fixture
def six() -> None:
    """Skips where there is no IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip(needs("loopback has no IPv6", "sysctl net.ipv6.conf.lo.disable_ipv6=0"))


def close(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


@pytest.mark.usefixtures("six")
def test_chosen_port_is_one_for_both_families() -> None:
    sockets = server.listen(0)
    try:
        assert [sock.family for sock in sockets] == [socket.AF_INET, socket.AF_INET6]
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert [sock.getsockname()[0] for sock in sockets] == ["127.0.0.1", "::1"]
    finally:
        close(sockets)


@pytest.mark.usefixtures("six")
def test_named_port_that_is_taken_for_one_family_is_taken() -> None:
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        with pytest.raises(OSError) as taken:
            server.listen(other.getsockname()[1])
    assert taken.value.errno == errno.EADDRINUSE


@pytest.mark.usefixtures("six")
def test_port_that_is_taken_for_one_family_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is free for IPv4 may be taken for IPv6."""
    others: list[socket.socket] = []
    bind = server._bind

    def overtaken(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if family is socket.AF_INET6 and not others:
            others.append(bind(family, host, port))
        return bind(family, host, port)

    monkeypatch.setattr(server, "_bind", overtaken)
    sockets = server.listen(0)
    ports = {sock.getsockname()[1] for sock in sockets}
    assert len(sockets) == 2 and len(ports) == 1
    assert ports != {others[0].getsockname()[1]}
    close([*sockets, *others])


def test_machine_without_ipv6_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = server._bind

    def four_alone(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if family is socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return bind(family, host, port)

    monkeypatch.setattr(server, "_bind", four_alone)
    sockets = server.listen(0)
    assert [sock.family for sock in sockets] == [socket.AF_INET]
    close(sockets)
