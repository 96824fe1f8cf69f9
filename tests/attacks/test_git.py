"""Attacks by what is pushed: bombs, trees that lead out, links to what the server may read."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.attacker import REFUSED, bounded, genuine, platform, request, talk
from tests.support.git_objects import Repository, header, pack, varint

NOBODY = "0" * 40
TREE, FILE, LINK = b"40000", b"100644", b"120000"


@pytest.fixture
def repository(tmp_path: Path, fortress: control.Running) -> Repository:
    return Repository(tmp_path, fortress)


def test_tree_that_names_itself_over_and_over(
    repository: Repository, fortress: control.Running
) -> None:
    inner = repository.tree((FILE, b"f", repository.blob(b"x")))
    for _ in range(10):
        inner = repository.tree(*((TREE, b"%d" % n, inner) for n in range(10)))
    with bounded(fortress):
        said = repository.push(inner)
    assert "more than 100000 files" in said and "Build failed" in said


def test_file_that_is_small_until_it_is_unpacked(
    repository: Repository, fortress: control.Running
) -> None:
    large = repository.blob(b"\0" * 60 * 1024**2)
    with bounded(fortress):
        said = repository.push(repository.tree((FILE, b"large", large)))
    assert "more than" in said and "Build failed" in said


def receive(running: control.Running, data: bytes) -> requests.Response:
    command = f"{NOBODY} {'1' * 40} refs/heads/master\0report-status".encode()
    body = b"%04x%b0000%b" % (len(command) + 4, command, data)
    return requests.post(
        f"{running.url}/GIT/target/git-receive-pack",
        body,
        headers={
            "Authorization": f"Bearer {genuine(running)}",
            "Content-Type": "application/x-git-receive-pack-request",
        },
        timeout=30,
    )


def test_difference_that_grows_when_it_is_applied(
    repository: Repository, fortress: control.Running
) -> None:
    """gitformat-pack: a delta copies pieces of a base, as often as it likes."""
    base = b"\0" * 8 * 1024**2
    name = hashlib.sha1(b"blob %d\0" % len(base) + base).digest()
    copies = 1000
    delta = varint(len(base)) + varint(len(base) * copies) + b"\xf0\xff\xff\x7f" * copies
    bomb = pack(
        header(3, len(base)) + zlib.compress(base),
        header(7, len(delta)) + name + zlib.compress(delta),
    )
    with bounded(fortress):
        answer = receive(fortress, bomb)
    assert "unpack ok" not in answer.text and len(bomb) < 100_000


BROKEN = {
    "nothing": b"",
    "no pack": b"x" * 1000,
    "half a pack": pack(header(3, 5) + zlib.compress(b"hello"))[:-25],
    "wrong sum": pack(header(3, 5) + zlib.compress(b"hello"))[:-20] + b"0" * 20,
    "a billion objects": b"PACK" + (2).to_bytes(4, "big") + (10**9).to_bytes(4, "big"),
    "wrong size": pack(header(3, 10**9) + zlib.compress(b"hello")),
    "unknown kind": pack(header(5, 5) + zlib.compress(b"hello")),
    "delta of nothing": pack(header(7, 5) + b"\1" * 20 + zlib.compress(b"hello")),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_pack_that_is_none(kind: str, repository: Repository, fortress: control.Running) -> None:
    with bounded(fortress):
        answer = receive(fortress, BROKEN[kind])
    # The answer is git's report (gitprotocol-pack, report-status), and that comes with a 200.
    assert answer.status_code == 200 and "unpack ok" not in answer.text and "ng refs" in answer.text
    assert "hostile" not in repository.git("ls-remote", f"{fortress.url}/GIT/target")


def start(running: control.Running, service: str, **headers: str) -> bytes:
    bearer = f"Bearer {genuine(running)}"
    path, kind = f"/GIT/target/git-{service}", f"application/x-git-{service}-request"
    return request(
        "POST", path, platform(running), Authorization=bearer, Content_Type=kind, **headers
    )


def test_push_longer_than_any_may_be(repository: Repository, fortress: control.Running) -> None:
    head = start(fortress, "receive-pack", Content_Length=str(10**12))
    assert talk(fortress, [head]).status == 413


NONSENSE = {
    "no packet": (b"hello, git", ""),
    "packet of a wrong length": (b"0003", ""),
    "packet that is cut": (b"00ff" + b"0" * 9, ""),
    "nothing": (b"", ""),
    "not compressed": (b"0000" * 9, "gzip"),
    "compressed and cut": (gzip.compress(bytes(9999))[:-9], "gzip"),
}


@pytest.mark.parametrize("kind", NONSENSE)
@pytest.mark.parametrize("service", ["receive-pack", "upload-pack"])
def test_post_that_is_no_request_of_gits(
    kind: str, service: str, repository: Repository, fortress: control.Running
) -> None:
    body, encoding = NONSENSE[kind]
    more = {"Content_Encoding": encoding} if encoding else {}
    # Of four bytes is git's own question before a push, which is answered with nothing.
    data = body if len(body) != 4 else body * 2
    head = start(fortress, service, Content_Length=str(len(data)), **more)
    assert talk(fortress, [head + data]).status == 400


def test_push_without_end(repository: Repository, fortress: control.Running) -> None:
    head = start(fortress, "receive-pack", Transfer_Encoding="chunked")
    command = f"{NOBODY} {'1' * 40} refs/heads/master\0report-status".encode()
    first = b"%04x%b0000PACK\0\0\0\2\0\0\0\1" % (len(command) + 4, command)
    # A file that could be real: blocks that are stored as they are (RFC 1951, section 3.2.4).
    first += header(3, 10**11) + b"\x78\x01"
    blocks = (b"\0\xff\xff\0\0" + b"x" * 65535) * 16
    chunk = b"%x\r\n%b\r\n" % (len(blocks), blocks)
    pieces = itertools.chain([head, b"%x\r\n%b\r\n" % (len(first), first)], itertools.repeat(chunk))
    with bounded(fortress):
        answer = talk(fortress, pieces)
    assert answer.status == 413


def test_push_that_stops_half_way(repository: Repository, fortress: control.Running) -> None:
    def pieces() -> Iterator[bytes]:
        yield start(fortress, "receive-pack", Content_Length="5000")
        yield b"0000"

    with bounded(fortress):
        answer = talk(fortress, pieces())
    assert answer.status in REFUSED
    # git's own http-backend goes round in circles when it waits for the rest of a length.
    deadline = time.monotonic() + 20
    while backends(fortress) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert backends(fortress) == []


def backends(running: control.Running) -> list[str]:
    """The processes of git's HTTP service for a sandbox."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "cmdline").read_bytes()
            ours = str(running.data).encode() in (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"http-backend" in name and ours:
            found.append(entry.name)
    return found


@pytest.mark.parametrize("service", ["receive-pack", "upload-pack"])
def test_compressed_bomb(service: str, repository: Repository, fortress: control.Running) -> None:
    bomb = gzip.compress(b"0032want %b\n" % (b"1" * 40) * 4_000_000, 9)
    head = start(fortress, service, Content_Length=str(len(bomb)), Content_Encoding="gzip")
    with bounded(fortress):
        answer = talk(fortress, [head + bomb])
    assert "unpack ok" not in answer.body


NAMES = [
    *(
        b"..",
        b".",
        b".git",
        b".GIT",
        b".git ",
        b"git~1",
        b"../../../evil",
        b"/evil",
        b"a/../../evil",
    ),
    *(b".git/hooks/post-checkout", b"", b"\xef\xbb\xbf.git", b".g\xe2\x80\x8cit"),
]


@pytest.mark.parametrize("name", NAMES)
def test_file_by_a_name_that_leads_out(
    name: bytes, repository: Repository, fortress: control.Running
) -> None:
    evil = repository.blob(b"evil")
    said = repository.push(repository.tree((FILE, name, evil)))
    assert "rejected" in said or "error" in said or "Build failed" in said
    assert not list(fortress.data.rglob("evil")) and not Path("/evil").exists()


def test_folder_of_such_a_name(repository: Repository, fortress: control.Running) -> None:
    inner = repository.tree((FILE, b"evil", repository.blob(b"evil")))
    for name in (b"..", b".git"):
        said = repository.push(repository.tree((TREE, name, inner)))
        assert "rejected" in said or "error" in said
    assert not list(fortress.data.rglob("evil"))


def test_file_through_a_link(
    repository: Repository, fortress: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    inner = repository.tree((FILE, b"evil", repository.blob(b"evil")))
    link = repository.blob(str(outside).encode())
    repository.push(repository.tree((LINK, b"a", link), (TREE, b"a", inner)))
    repository.push(repository.tree((LINK, b"a", link)))
    repository.push(repository.tree((TREE, b"a", inner)))
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", [b"Procfile", b"requirements.txt", b"runtime.txt"])
@pytest.mark.parametrize("target", [b"../../../../passwords.json", b"/etc/passwd", b"/dev/zero"])
def test_link_to_what_only_the_server_reads(
    name: bytes, target: bytes, repository: Repository, fortress: control.Running
) -> None:
    entries = {b"Procfile": (FILE, repository.blob(b"web: sleep 9\n"))}
    entries[name] = (LINK, repository.blob(target))
    files = [(mode, file, blob) for file, (mode, blob) in sorted(entries.items())]
    said = repository.push(repository.tree(*files))
    assert "is a link that leaves the app's folder" in said
    assert "root:" not in said and '"admin"' not in said


@pytest.mark.parametrize("name", [b"Procfile", b"requirements.txt", b"runtime.txt"])
def test_file_too_long_to_be_read(
    name: bytes, repository: Repository, fortress: control.Running
) -> None:
    entries = {b"Procfile": repository.blob(b"web: sleep 9\n")}
    entries[name] = repository.blob(b"#" * 5 * 1024**2)
    files = [(FILE, file, blob) for file, blob in sorted(entries.items())]
    assert "more than 1048576 bytes" in repository.push(repository.tree(*files))


REFS = [
    "refs/heads/other",
    "refs/tags/v1",
    "refs/hooks/post-receive",
    "refs/heads/master.lock",
    "HEAD",
]


@pytest.mark.parametrize("ref", REFS)
def test_push_elsewhere_is_refused(ref: str, repository: Repository) -> None:
    said = repository.push(repository.tree((FILE, b"f", repository.blob(b"x"))), ref)
    assert "rejected" in said or "error" in said or "fatal" in said


SERVICES = ["git-evil", "git-upload-archive", "--upload-pack=touch", "git-upload-pack;id", ""]


@pytest.mark.parametrize("service", SERVICES)
def test_service_that_is_none(
    service: str, repository: Repository, fortress: control.Running
) -> None:
    bearer = f"Bearer {genuine(fortress)}"
    path = f"/GIT/target/info/refs?service={service}"
    answer = talk(fortress, [request("GET", path, platform(fortress), Authorization=bearer)])
    assert answer.status in REFUSED or answer.body == ""
