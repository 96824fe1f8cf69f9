"""Parsers of what strangers write: any text gives a value or a sentence, nothing else."""

from __future__ import annotations

import asyncio
import base64
import string
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from de_tasks import appspec
from de_tasks.config.host import Host
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server.apps import check_name
from de_tasks.server.http.hosts import Hosts
from de_tasks.server.http.pages import own_path
from de_tasks.server.runtime import pip_settings
from de_tasks.server.settings import ServerSettings
from de_tasks.server.users import cookies
from de_tasks.server.users.authorization_header import Identity

FEW = settings(
    max_examples=80,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAME = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=12)
COMMAND = st.text(st.characters(exclude_categories=("Cc", "Zl", "Zp", "Cs"))).map(str.strip)
HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"))


@FEW
@given(st.text())
def test_procfile_of_any_text(text: str) -> None:
    try:
        commands = appspec.Procfile.parse(text).commands
    except UsageError:
        return
    assert all(appspec.PROCESS_TYPE.fullmatch(kind) and line for kind, line in commands.items())


@FEW
@given(st.dictionaries(NAME, COMMAND.filter(bool), max_size=4))
def test_procfile_as_it_was_written(commands: dict[str, str]) -> None:
    text = "\n".join(f"{kind}: {line}" for kind, line in commands.items())
    assert appspec.Procfile.parse(text).commands == commands


@FEW
@given(st.binary(max_size=300))
@pytest.mark.parametrize("name", ["Procfile", "requirements.txt", "runtime.txt"])
def test_file_of_any_bytes(name: str, tmp_path: Path, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    for read in (appspec.Procfile.read, appspec.Requirements.read, appspec.read_runtime):
        try:
            read(tmp_path)
        except UsageError as error:
            assert len(str(error)) < 5000


WAY = st.lists(st.sampled_from(["..", ".", "", "in", "out", "link"]), max_size=5).map("/".join)
INCLUDE = st.builds("{}{}/canary.txt".format, st.sampled_from(["-r ", "-r", "--requirement="]), WAY)


@FEW
@given(st.lists(st.one_of(INCLUDE, st.sampled_from(["a", "#", "=", "@ file:"])), max_size=3))
def test_requirements_never_leave_the_folder(tmp_path: Path, lines: list[str]) -> None:
    folder = tmp_path / "out" / "in"
    folder.mkdir(parents=True, exist_ok=True)
    for above in (tmp_path, tmp_path / "out"):
        (above / "canary.txt").write_text("canary\n")
    (folder / "canary.txt").write_text("ours\n")
    (folder / "link").unlink(missing_ok=True)
    (folder / "link").symlink_to(tmp_path)
    (folder / "requirements.txt").write_text("\n".join(lines))
    try:
        found = appspec.Requirements.read(folder)
    except UsageError as error:
        assert "canary\n" not in str(error)
        return
    assert found is not None and "canary" not in found.lines


@FEW
@given(st.from_regex(r"python-[0-9.]{1,9}\n?", fullmatch=True))
def test_runtime_is_a_version_or_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "runtime.txt").write_text(text)
    try:
        version = appspec.read_runtime(tmp_path)
    except UsageError:
        return
    assert version and text.strip() == f"python-{version}"


@FEW
@given(st.text())
def test_app_name_of_any_text(text: str) -> None:
    try:
        check_name(text)
    except UsageError:
        return
    assert text == appspec.check_app_name(text) and text.isascii() and len(text) <= 30


@FEW
@given(st.text())
def test_suggested_app_name_is_legal(text: str) -> None:
    name = appspec.legal_app_name(text)
    assert not name or appspec.check_app_name(name) == name


class Nobody:
    """Accounts and tokens of a sandbox without users."""

    def has_api_key(self, username: str, key: str) -> None:
        assert isinstance(key, str)

    def user_of(self, token: str) -> None:
        assert isinstance(token, str)

    async def sign_in(self, *credentials: str) -> None:
        assert len(credentials) == 3


@FEW
@given(st.one_of(HEADER, HEADER.map("Basic {}".format), HEADER.map("Bearer {}".format)))
def test_authorization_of_any_text(header: str) -> None:
    nobody: Any = Nobody()
    assert asyncio.run(Identity(nobody, nobody).any(header, "")) is None


@FEW
@given(st.binary())
def test_basic_of_any_bytes(data: bytes) -> None:
    nobody: Any = Nobody()
    header = "Basic " + base64.b64encode(data).decode()
    assert asyncio.run(Identity(nobody, nobody).any(header, "")) is None


@FEW
@given(HEADER)
def test_cookies_of_any_text(header: str) -> None:
    kept = cookies.without_ours(header)
    assert not [name for name, _ in cookies.parse(kept) if cookies.OURS.fullmatch(name)]
    assert cookies.without_ours(kept) == kept


@FEW
@given(st.lists(st.sampled_from(["de-visit-8888", "kcToken", "a", "=", ";", " ", "\t", '"', "b"])))
def test_cookie_of_ours_never_gets_through(parts: list[str]) -> None:
    kept = cookies.without_ours("".join(parts))
    assert "kcToken" not in {name for name, _ in cookies.parse(kept)}


@FEW
@given(HEADER, st.integers(0, 3))
def test_of_two_sessions_neither_counts(value: str, copies: int) -> None:
    jar = cookies.Cookies(ServerSettings(Path("/")))
    header = "; ".join(["x=" + value.replace(";", ""), *[f"{jar.session}=s"] * copies])
    found = jar.get(Headers({"cookie": header}), jar.session)
    assert found == ("s" if copies == 1 else None)


@FEW
@given(HEADER)
def test_host_of_any_text(host: str) -> None:
    seen: list[int] = []

    async def nowhere(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(host)

    async def receive() -> Any:
        raise AssertionError(host)

    async def send(message: Any) -> None:
        seen.append(message.get("status", 0))

    headers = [(b"host", host.encode("latin-1"))]
    scope = {"type": "http", "method": "GET", "raw_path": b"/", "headers": headers}
    if host.lower() not in ("127.0.0.1:8888", "localhost:8888"):
        hosts = Hosts(ServerSettings(Path("/")), nowhere, nowhere)
        asyncio.run(hosts(scope, receive, send))
        assert seen[0] == 421


@FEW
@given(st.text())
def test_host_of_the_client_of_any_text(text: str) -> None:
    try:
        host = Host.parse(text)
    except DeTasksError:
        return
    assert urlsplit(host.issuer).scheme in ("http", "https")


@FEW
@given(st.one_of(st.text(), st.text("/\\:@#?.%\t\r\nhtpsevil[]", max_size=20)))
def test_own_path_stays_here(text: str) -> None:
    path = own_path(text)
    target = urlsplit(urljoin("http://127.0.0.1:8888/auth/", path))
    assert target.netloc == "127.0.0.1:8888" and path.startswith("/")


@FEW
@given(st.binary(max_size=300))
def test_pip_configuration_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pip.conf").write_bytes(data)
    found = pip_settings.uv_environment(
        {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "HOME": "/"}
    )
    assert all(isinstance(value, str) for value in found.values())


@FEW
@given(st.text(string.ascii_letters, min_size=1), st.text(string.ascii_letters + "%@:", min_size=1))
def test_secret_of_an_index_is_known_to_be_one(user: str, password: str) -> None:
    address = f"https://{user}:{password.replace('@', '%40')}@index.example/simple"
    assert password.replace("@", "%40") in pip_settings.secrets_in({"UV_DEFAULT_INDEX": address})
