"""Attacks by what is pushed: bombs, trees that lead out, links to what the server may read."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.attacker import REFUSED, bounded, platform, request, talk
from tests.support.git_objects import FILE, FOLDER, LINK, Repository, header, pack, varint
from tests.support.waiting import BOUND, until

NOBODY = "0" * 40
COMMAND = f"{NOBODY} {'1' * 40} refs/heads/master\0report-status".encode()


@pytest.fixture
def fortress(lone_fortress: control.Running) -> control.Running:
    return lone_fortress


@pytest.fixture
def repository(tmp_path: Path, fortress: control.Running) -> Repository:
    return Repository(tmp_path, fortress)


def test_tree_that_names_itself_over_and_over(
    repository: Repository, fortress: control.Running
) -> None:
    inner = repository.tree((FILE, b"f", repository.blob(b"x")))
    for _ in range(10):
        inner = repository.tree(*((FOLDER, b"%d" % n, inner) for n in range(10)))
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


def receive(repository: Repository, data: bytes) -> requests.Response:
    return client().post(
        f"{repository.address}/git-receive-pack",
        b"%04x%b0000%b" % (len(COMMAND) + 4, COMMAND, data),
        headers={
            "Authorization": repository.bearer,
            "Content-Type": "application/x-git-receive-pack-request",
        },
        timeout=BOUND,
    )


def test_difference_that_grows_when_it_is_applied(
    repository: Repository, fortress: control.Running
) -> None:
    """gitformat-pack: a delta copies pieces of a base, as often as it likes."""
    base = b"\0" * 8 * 1024**2
    name = hashlib.sha1(b"blob %d\0" % len(base) + base).digest()
    # A little more than the GiB that a git process may have.
    copies, piece = 150, 0x7FFFFF
    delta = varint(len(base)) + varint(piece * copies) + b"\xf0\xff\xff\x7f" * copies
    bomb = pack(
        header(3, len(base)) + zlib.compress(base),
        header(7, len(delta)) + name + zlib.compress(delta),
    )
    with bounded(fortress):
        answer = receive(repository, bomb)
    assert "unpack ok" not in answer.text and "unpack " in answer.text and len(bomb) < 100_000


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
        answer = receive(repository, BROKEN[kind])
    # The answer is git's report (gitprotocol-pack, report-status), and that comes with a 200.
    assert answer.status_code == 200 and "unpack ok" not in answer.text and "ng refs" in answer.text
    assert repository.taken() == ""


def start(repository: Repository, service: str, **headers: str) -> bytes:
    path, kind = f"/GIT/{repository.app}/git-{service}", f"application/x-git-{service}-request"
    host = platform(repository.running)
    headers["Authorization"] = repository.bearer
    return request("POST", path, host, Content_Type=kind, **headers)


def test_push_longer_than_any_may_be(repository: Repository, fortress: control.Running) -> None:
    head = start(repository, "receive-pack", Content_Length=str(10**12))
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
    head = start(repository, service, Content_Length=str(len(data)), **more)
    assert talk(fortress, [head + data]).status == 400


def test_push_without_end(repository: Repository, fortress: control.Running) -> None:
    head = start(repository, "receive-pack", Transfer_Encoding="chunked")
    first = b"%04x%b0000PACK\0\0\0\2\0\0\0\1" % (len(COMMAND) + 4, COMMAND)
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
        yield start(repository, "receive-pack", Content_Length="5000")
        yield b"0000"

    with bounded(fortress):
        answer = talk(fortress, pieces())
    assert answer.status in REFUSED
    # git's own http-backend goes round in circles when it waits for the rest of a length.
    until(lambda: not backends(fortress), "the end of git")


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
    head = start(repository, service, Content_Length=str(len(bomb)), Content_Encoding="gzip")
    with bounded(fortress):
        answer = talk(fortress, [head + bomb])
    assert "unpack ok" not in answer.body


# What git's check of objects says of each: most would be taken from the remote by whoever asks for
# the app's files, and some would be deployed.
NAMES = {
    b"..": "hasDotdot",
    b".": "hasDot",
    b".git": "hasDotgit",
    b".GIT": "hasDotgit",
    b".git ": "hasDotgit",
    b"git~1": "hasDotgit",
    b".g\xe2\x80\x8cit": "hasDotgit",
    b"\xef\xbb\xbf.git": "hasDotgit",
    b"../../../evil": "fullPathname",
    b"/evil": "fullPathname",
    b"a/../../evil": "fullPathname",
    b"assets/evil": "fullPathname",
    b".git/hooks/post-checkout": "fullPathname",
}


def assert_refused(repository: Repository, tree: str, reason: str) -> None:
    """It is git that refuses what is pushed; nobody can build it then, or fetch it."""
    said = repository.push(tree)
    assert reason in said and "remote rejected" in said, said
    assert repository.taken() == ""


@pytest.mark.parametrize("name", NAMES)
def test_file_by_a_name_that_leads_out(name: bytes, repository: Repository) -> None:
    evil = repository.blob(b"evil")
    assert_refused(repository, repository.app_with((FILE, name, evil)), NAMES[name])


@pytest.mark.parametrize("name", [b"..", b".git"])
def test_folder_of_such_a_name(name: bytes, repository: Repository) -> None:
    inner = repository.tree((FILE, b"evil", repository.blob(b"evil")))
    assert_refused(repository, repository.app_with((FOLDER, name, inner)), NAMES[name])


def test_two_files_of_one_name(repository: Repository) -> None:
    """What is deployed would not be what is looked at."""
    files = [(FILE, b"app.py", repository.blob(text)) for text in (b"shown", b"run")]
    assert_refused(repository, repository.app_with(*files), "duplicateEntries")


def test_list_of_submodules_that_is_a_link(repository: Repository) -> None:
    link = repository.blob(b"/etc/passwd")
    reason = "gitmodulesSymlink"
    assert_refused(repository, repository.app_with((LINK, b".gitmodules", link)), reason)


def test_submodule_whose_address_is_an_option(repository: Repository) -> None:
    module = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch evil\n'
    tree = repository.app_with((FILE, b".gitmodules", repository.blob(module)))
    assert_refused(repository, tree, "gitmodulesUrl")


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no app has to do with."""
    return tmp_path_factory.mktemp("outside")


def test_file_through_a_link_in_one_commit(repository: Repository, outside: Path) -> None:
    inner = repository.tree((FILE, b"evil", repository.blob(b"evil")))
    link = repository.blob(str(outside).encode())
    tree = repository.app_with((LINK, b"a", link), (FOLDER, b"a", inner))
    assert_refused(repository, tree, "duplicateEntries")
    assert not list(outside.iterdir())


def test_file_through_a_link_of_the_last_release(repository: Repository, outside: Path) -> None:
    inner = repository.tree((FILE, b"evil", repository.blob(b"evil")))
    link = repository.blob(str(outside).encode())
    for entry in ((LINK, b"a", link), (FOLDER, b"a", inner)):
        assert "Released:" in repository.push(repository.app_with(entry))
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", [b"Procfile", b"requirements.txt", b"project.toml"])
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


@pytest.mark.parametrize("name", [b"Procfile", b"requirements.txt", b"project.toml"])
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
    path = f"/GIT/{repository.app}/info/refs?service={service}"
    head = request("GET", path, platform(fortress), Authorization=repository.bearer)
    answer = talk(fortress, [head])
    assert answer.status in REFUSED or answer.body == ""
