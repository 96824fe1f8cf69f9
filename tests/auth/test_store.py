"""One contract for all stores of logins, and what happens when a keyring fails."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import keyring.backends.null
import pytest
from filelock import FileLock

from de_tasks.auth import keyfile, system_keyring
from de_tasks.auth.keyfile import Keyfile
from de_tasks.auth.login import Login
from de_tasks.auth.store import IN_KEYRING, Store
from de_tasks.auth.system_keyring import Ring
from de_tasks.errors import AuthError, Temporary, UsageError
from tests.support import backstage
from tests.support.people import Person
from tests.support.rings import Failing, Memory, Small, secret_service

LOGIN = Login("example.plotly.host", "jessica", "a" * 4000, 'r "\\ü\n' * 50, 1e9, "/ca.pem")
OTHER = replace(LOGIN, host="https://127.0.0.1:8888", username="dev", ca_path="")


@pytest.fixture
def backend() -> Iterator[None]:
    """Whatever keyring a test chooses, the one before comes back."""
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture(params=["file", "memory", "small", "SecretService"])
def place(request: pytest.FixtureRequest, tmp_path: Path, backend: None) -> Iterator[str]:
    if request.param in ("memory", "small"):
        keyring.set_keyring(Memory() if request.param == "memory" else Small())
    if request.param != "SecretService":
        yield request.param
        return
    from keyring.backends.SecretService import Keyring

    patch = pytest.MonkeyPatch()
    with secret_service(tmp_path / "keyring") as address, patch.context() as environment:
        environment.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
        yield request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "credentials.json"


def opened(place: str, path: Path) -> Store:
    """The store as another process would open it."""
    return Store(Keyfile(path), None if place == "file" else Ring())


def test_logins_of_several_hosts(place: str, path: Path) -> None:
    for login in (LOGIN, OTHER):
        opened(place, path).put(login)
    store = opened(place, path)
    assert [store.get(host) for host in store.hosts()] == [LOGIN, OTHER]
    assert store.last_host() == OTHER.host and store.ca_path(LOGIN.host) == "/ca.pem"
    assert store.get("elsewhere") is None and store.ca_path("elsewhere") == ""


def test_later_login_replaces_the_earlier(place: str, path: Path) -> None:
    store = opened(place, path)
    store.put(OTHER)
    store.put(LOGIN)
    store.put(replace(OTHER, access_token="next"), make_last=False)
    found = opened(place, path).get(OTHER.host)
    assert found and found.access_token == "next" and store.last_host() == LOGIN.host


def test_first_login_is_the_last_one_too(place: str, path: Path) -> None:
    opened(place, path).put(LOGIN, make_last=False)
    assert opened(place, path).last_host() == LOGIN.host


def test_logout_forgets_one_and_keeps_the_file(place: str, path: Path) -> None:
    store = opened(place, path)
    store.put(LOGIN)
    store.put(OTHER)
    store.remove(OTHER.host)
    assert (store.hosts(), store.last_host(), store.get(OTHER.host)) == ([LOGIN.host], "", None)
    assert store.get(LOGIN.host) == LOGIN
    store.remove(LOGIN.host)
    store.remove(LOGIN.host)
    assert json.loads(path.read_text()) == {"format": "de-tasks"}
    assert place == "file" or Ring().get(LOGIN.host) is None


def test_only_the_owner_reads(place: str, path: Path) -> None:
    opened(place, path).put(LOGIN)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert {p.name for p in path.parent.iterdir()} <= {path.name, f"{path.name}.lock"}
    assert (LOGIN.access_token in path.read_text()) == (place == "file")
    assert LOGIN.access_token not in repr(LOGIN)


@pytest.mark.slow
def test_parallel_logins_lose_nothing(place: str, path: Path) -> None:
    logins = [replace(LOGIN, host=f"host-{number}") for number in range(8)]
    threads = [threading.Thread(target=opened(place, path).put, args=[one]) for one in logins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = opened(place, path)
    assert [store.get(login.host) for login in logins] == logins


def test_place_is_news_once(place: str, path: Path) -> None:
    first, *later = (opened(place, path).put(login) for login in (LOGIN, OTHER, LOGIN))
    assert (str(path) if place == "file" else IN_KEYRING) in first and later == ["", ""]


FAULTS = {
    "locked": "is locked",
    "halfway": "failed with OSError",
    "truncating": "did not keep what was given to it",
    "silent": "has not answered",
    "null": "which does not keep secrets",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_keyring_loses_nothing(
    fault: str, path: Path, backend: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "silent":
        monkeypatch.setattr(system_keyring, "SECONDS", 0.2)
    null = keyring.backends.null.Keyring()  # type: ignore[no-untyped-call]
    keyring.set_keyring(null if fault == "null" else Failing(fault))
    notice = Store(Keyfile(path), Ring()).put(LOGIN)
    assert str(path) in notice and FAULTS[fault] in notice and LOGIN.access_token not in notice
    assert Store(Keyfile(path), Ring()).get(LOGIN.host) == LOGIN
    Store(Keyfile(path), Ring()).remove(LOGIN.host)
    assert LOGIN.access_token not in path.read_text()


def test_secret_that_was_cut_short_is_taken_out_again(path: Path, backend: None) -> None:
    cutting = Failing("truncating")
    keyring.set_keyring(cutting)
    Store(Keyfile(path), Ring()).put(LOGIN)
    assert cutting.kept == {}


def test_keyring_with_little_room_has_a_login_in_parts_and_none_of_an_earlier_one(
    path: Path, backend: None
) -> None:
    small = Small()
    keyring.set_keyring(small)
    store = Store(Keyfile(path), Ring())
    assert store.put(LOGIN).startswith(f"Your login is kept in {IN_KEYRING}")
    first = set(small.kept)
    store.put(replace(LOGIN, access_token="b" * 4000))
    assert len(small.kept) == len(first) > 4 and len(first & set(small.kept)) == 1
    assert store.get(LOGIN.host) == replace(LOGIN, access_token="b" * 4000)
    store.put(replace(LOGIN, access_token="short", refresh_token=""))
    assert len(small.kept) == 1
    store.put(LOGIN)
    store.remove(LOGIN.host)
    assert small.kept == {}


@pytest.mark.parametrize("secret", ["not json", "null", "7", '"text"', '["access_token"]', "{}"])
def test_entry_of_the_keyring_that_is_damaged_is_no_login(
    secret: str, path: Path, backend: None
) -> None:
    keyring.set_keyring(Memory())
    store = Store(Keyfile(path), Ring())
    store.put(LOGIN)
    Ring().set(LOGIN.host, secret)
    assert store.get(LOGIN.host) is None


def test_secret_whose_parts_are_gone_is_none(path: Path, backend: None) -> None:
    small = Small()
    keyring.set_keyring(small)
    Ring().set("host", "x" * 4000)
    lost = next(key for key in small.kept if key[1] != "host")
    del small.kept[lost]
    assert Ring().get("host") is None


def test_short_secret_that_is_refused_is_not_tried_in_parts(backend: None) -> None:
    asked: list[str] = []

    class Refusing(Memory):
        def set_password(self, service: str, username: str, password: str) -> None:
            asked.append(username)
            raise OSError("full")

    keyring.set_keyring(Refusing())
    with pytest.raises(AuthError, match="failed with OSError"):
        Ring().set("host", "short")
    assert asked == ["host"]


def test_keyring_that_lets_nothing_go(path: Path, backend: None) -> None:
    holding = Failing("")
    keyring.set_keyring(holding)
    store = Store(Keyfile(path), Ring())
    store.put(LOGIN)
    holding.broken = "holding"
    with pytest.raises(AuthError, match="still in it"):
        store.remove(LOGIN.host)


def test_keyring_that_is_locked_later(path: Path, backend: None) -> None:
    broken = Failing("")
    keyring.set_keyring(broken)
    store = Store(Keyfile(path), Ring())
    store.put(LOGIN)
    broken.broken = "locked"
    with pytest.raises(AuthError, match=r"keyring, which is locked\. Unlock it"):
        store.get(LOGIN.host)
    with pytest.raises(AuthError, match="still in it"):
        store.remove(LOGIN.host)
    assert store.hosts() == []


def test_renewed_tokens_survive_a_lock(path: Path, backend: None) -> None:
    broken = Failing("")
    keyring.set_keyring(broken)
    store = Store(Keyfile(path), Ring())
    store.put(LOGIN)
    broken.broken = "locked"
    renewed = replace(LOGIN, refresh_token="next")
    store.put(renewed, make_last=False)
    assert store.get(LOGIN.host) == renewed


def test_real_keyring_that_is_locked(
    tmp_path: Path, path: Path, backend: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import secretstorage
    from keyring.backends.SecretService import Keyring

    with secret_service(tmp_path / "keyring") as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
        store = Store(Keyfile(path), Ring())
        store.put(LOGIN)
        with secretstorage.dbus_init() as bus:
            secretstorage.get_default_collection(bus).lock()
        with pytest.raises(AuthError, match="is locked"):
            store.get(LOGIN.host)
        notice = store.put(LOGIN)
    assert f"{path}, which only you can read (the keyring is locked)" in notice


def test_file_that_others_can_read(path: Path) -> None:
    Store.at(path).put(LOGIN)
    path.chmod(0o640)
    with pytest.raises(UsageError, match=f"chmod 600 {path}"):
        Store.at(path).get(LOGIN.host)


@pytest.mark.parametrize("text", ["not json", "[]", '{"format": "other"}', '{"tokens": {}}'])
def test_file_of_another_tool(text: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="not written by de-tasks"):
        Store.at(path).put(LOGIN)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["not json", "{}", ""])
def test_default_leaves_another_tools_file(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    keyring.set_keyring(Memory())
    folder = tmp_path / ".dash_enterprise"
    folder.mkdir()
    (folder / "credentials.json").write_text(text)
    Store.default().put(LOGIN)
    assert (folder / "credentials.json").read_text() == text
    assert LOGIN.username in (folder / "de-tasks.json").read_text()


def test_named_file_may_be_there_empty(path: Path) -> None:
    path.parent.mkdir()
    os.close(os.open(path, os.O_CREAT, 0o600))
    Store.at(path).put(LOGIN)
    assert Store.at(path).get(LOGIN.host) == LOGIN


def test_home_that_nobody_knows_is_said_with_the_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(UsageError, match=r"no home directory .+ --keyfile, or .+ --no-keyfile"):
        Store.default()


def test_file_that_another_process_holds_for_long_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyfile, "LOCK_SECONDS", 0)
    path.parent.mkdir()
    with FileLock(f"{path}.lock"), pytest.raises(Temporary) as held:
        Store.at(path).put(LOGIN)
    assert str(held.value) == f"Another process has held {path}.lock for 0 s."
    Store.at(path).put(LOGIN)


@pytest.mark.parametrize("place", ["/proc/login.json", "/proc/new/login.json", "{0}/file/x.json"])
def test_place_without_room_is_noticed_first(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = Keyfile(Path(place.format(tmp_path)))
    with pytest.raises(UsageError, match=r"cannot be (written|read): .+"):
        file.check()


def test_look_at_the_place_leaves_nothing(tmp_path: Path) -> None:
    Keyfile(tmp_path / "a" / "b" / "login.json").check()
    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "login.json", tmp_path):
        with pytest.raises(UsageError, match="cannot be"):
            Store.at(path).put(LOGIN)


@pytest.mark.parametrize("entry", [{}, {"username": "x", "access_token": "y"}, 7, "text"])
def test_damaged_entry_is_no_login(entry: object, path: Path) -> None:
    Keyfile(path).write({"hosts": {LOGIN.host: entry}})
    assert Store.at(path).get(LOGIN.host) is None


def test_file_is_replaced_as_a_whole(path: Path) -> None:
    """Whoever reads it meanwhile has the one before to its end."""
    Store.at(path).put(LOGIN)
    with path.open() as reader:
        Store.at(path).put(OTHER)
        assert list(json.load(reader)["hosts"]) == [LOGIN.host]


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)


def test_interrupt_while_writing(path: Path, request: pytest.FixtureRequest) -> None:
    Store.at(path).put(LOGIN)
    request.getfixturevalue("interrupted")
    with pytest.raises(KeyboardInterrupt):
        Store.at(path).put(OTHER)
    assert Store.at(path).hosts() == [LOGIN.host]
    assert {p.name for p in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


@pytest.mark.parametrize(
    ("name", "value", "kind"), [("expires", "soon", "number"), ("access_token", 5, "text")]
)
def test_login_that_is_damaged(dev: Person, name: str, value: object, kind: str) -> None:
    content = json.loads(dev.keyfile.read_text())
    content["hosts"][dev.host][name] = value
    dev.keyfile.write_text(json.dumps(content))
    done = dev.run("whoami")
    assert done.code == 2 and f"{name!r} should be a {kind}. Log in again: " in done.err
    line = f"login --username {dev.name} --password-stdin"
    assert dev.run(line, stdin=backstage.PASSWORD).code == 0 and dev.run("whoami").code == 0
