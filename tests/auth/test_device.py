"""The device flow and its neighbours at servers that say no, or say strange things."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from de_tasks.auth import device
from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.errors import AuthError, DeTasksError, NotLoggedIn, Temporary, UsageError
from de_tasks.net.http import Transport
from de_tasks.server import control
from de_tasks.server.database import Database
from de_tasks.server.signin.devices import Devices
from tests.support.canned import serving

TOKEN, DEVICE, REVOKE = "token_endpoint", "device_authorization_endpoint", "revocation_endpoint"
LOGIN = Login("x", "dev", "access", "refresh", 0.0)
CODE = {"device_code": "d", "user_code": "U", "verification_uri": "https://x/", "expires_in": 600}


@pytest.fixture
def oidc(sandbox: control.Running) -> Oidc:
    return Oidc(Host.parse(sandbox.url), Transport())


def recorded(naps: list[float], end: int) -> Callable[[float], None]:
    """A clock that records how long somebody would have slept, and strikes in the end."""

    def nap(seconds: float) -> None:
        naps.append(round(seconds, 1))
        if len(naps) == end:
            raise KeyboardInterrupt

    return nap


@pytest.mark.parametrize(
    ("word", "slept"),
    [("authorization_pending", [1.0, 1.0, 1.0]), ("slow_down", [1.0, 6.0, 11.0])],
)
def test_only_slow_down_lengthens_the_interval(word: str, slept: list[float]) -> None:
    naps: list[float] = []
    body = {**CODE, "interval": 1}
    answers = {DEVICE: (200, body), TOKEN: (400, {"error": word})}
    with serving((TOKEN, DEVICE), **answers) as canned, pytest.raises(KeyboardInterrupt):
        device.finish(canned.oidc(), device.begin(canned.oidc()), recorded(naps, 3))
    assert naps == slept


def test_sandbox_slows_down_whoever_asks_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused: Any = None
    devices = Devices(Database(tmp_path / "x.sqlite3"), unused, unused, unused, "here")
    now = [1000.0]
    monkeypatch.setattr("de_tasks.server.signin.devices.time.time", lambda: now[-1])
    begun = devices.begin("openid", "", "")
    assert begun
    told = []
    for moment in (1000.0, 1001.0, 1003.0, 1599.0, 1601.0):
        now.append(moment)
        told.append(devices.poll(begun[0]))
    patient, hasty = "authorization_pending", "slow_down"
    assert told == [patient, hasty, patient, patient, "expired_token"]


def test_server_that_is_away_is_asked_less_often() -> None:
    naps: list[float] = []
    with serving((TOKEN, DEVICE), **{TOKEN: (503, {}), DEVICE: (200, CODE)}) as canned:
        code = device.begin(canned.oidc())
        with pytest.raises(KeyboardInterrupt):
            device.finish(canned.oidc(), code, recorded(naps, 3))
    assert (code.interval, naps) == (5.0, [5.0, 10.0, 20.0])


@pytest.mark.parametrize("change", [{"expires_in": 0.0}, {"device_code": "unknown"}])
def test_code_that_has_expired(change: dict[str, str], oidc: Oidc) -> None:
    code = replace(device.begin(oidc), interval=0.0, **change)  # type: ignore[arg-type]
    with pytest.raises(AuthError, match="expired before it was confirmed"):
        device.finish(oidc, code)


@pytest.mark.parametrize(
    ("word", "kind", "words"),
    [
        ("access_denied", AuthError, "Access was denied in the browser"),
        ("unauthorized_client", DeTasksError, "switched login with a browser off"),
        ("invalid_grant", AuthError, "expired before it was confirmed"),
    ],
)
def test_answer_that_ends_the_wait(word: str, kind: type[Exception], words: str) -> None:
    answers = {DEVICE: (200, CODE), TOKEN: (400, {"error": word})}
    with serving((TOKEN, DEVICE), **answers) as canned, pytest.raises(kind, match=words):
        device.finish(canned.oidc(), device.begin(canned.oidc()), lambda _: None)


def test_times_of_a_code_are_kept_in_bounds() -> None:
    body = {**CODE, "interval": 0, "expires_in": 10**9}
    with serving((TOKEN, DEVICE), **{DEVICE: (200, body)}) as canned:
        code = device.begin(canned.oidc())
    assert (code.interval, code.expires_in) == (1.0, 3600.0)


def test_provider_without_the_flow() -> None:
    with (
        serving((TOKEN,)) as canned,
        pytest.raises(AuthError, match="does not offer login with a browser"),
    ):
        device.begin(canned.oidc())


@pytest.mark.parametrize("page", ["javascript:alert(1)", "file:///etc/passwd", "ftp://x/", "x", 7])
def test_page_that_no_browser_should_open(page: object) -> None:
    body = {**CODE, "verification_uri": page}
    with (
        serving((TOKEN, DEVICE), **{DEVICE: (200, body)}) as canned,
        pytest.raises(DeTasksError, match="not safe"),
    ):
        device.begin(canned.oidc())


def test_address_that_is_less_safe_than_the_host() -> None:
    oidc = Oidc(Host.parse("example.plotly.host"), Transport())
    assert oidc.host.trusted("https://elsewhere.example/token")
    with pytest.raises(DeTasksError, match="not safe"):
        oidc.host.trusted("http://example.plotly.host/token")


def test_code_with_control_characters() -> None:
    body = {**CODE, "user_code": "AB\x1b[2JCD\n"}
    with serving((TOKEN, DEVICE), **{DEVICE: (200, body)}) as canned:
        assert device.begin(canned.oidc()).user_code == r"AB\x1b[2JCD\n"


@pytest.mark.parametrize(
    "answer", [(200, {}), (200, "<html>"), (400, {"error": "oops"}), (200, [])]
)
def test_answer_without_a_code(answer: tuple[int, object]) -> None:
    with (
        serving((TOKEN, DEVICE), **{DEVICE: answer}) as canned,
        pytest.raises(DeTasksError),
    ):
        device.begin(canned.oidc())


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((401, {"error": "invalid_grant"}), AuthError, "refuses this user name and password"),
        ((400, {"error": "invalid_client"}), AuthError, "does not know the client dash"),
        ((400, {"error": "unauthorized_client"}), AuthError, "switched off"),
        (
            (400, {"error": "x", "error_description": "Not\x1b[2J now"}),
            DeTasksError,
            r"Not\\x1b\[2J now",
        ),
        ((200, {}), DeTasksError, "without a token"),
        ((200, {"access_token": 7}), DeTasksError, "without a token"),
    ],
)
def test_password_that_gets_no_token(
    answer: tuple[int, object], kind: type[Exception], words: str
) -> None:
    with serving((TOKEN,), **{TOKEN: answer}) as canned, pytest.raises(kind, match=words):
        canned.oidc().password("dev", "secret")


def test_too_many_attempts() -> None:
    with serving((TOKEN,), **{TOKEN: (429, {})}) as canned:
        canned.headers["Retry-After"] = "17"
        with pytest.raises(Temporary, match="17 s"):
            canned.oidc().password("dev", "secret")


@pytest.mark.parametrize(("word", "hint"), [("p%40ss", True), ("p@ss%", False)])
def test_escaped_characters_are_pointed_out(word: str, hint: bool, oidc: Oidc) -> None:
    with pytest.raises(AuthError) as refused:
        oidc.password(f"nobody-{secrets.token_hex(3)}", word)
    assert ("write @ and not %40" in str(refused.value)) == hint
    assert word not in str(refused.value).replace("%40", "")


def test_bytes_that_are_no_text(oidc: Oidc) -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        oidc.password("dev", "caf\udce9")


def test_no_sign_in_service() -> None:
    with serving(()) as canned, pytest.raises(UsageError, match="is not a Dash Enterprise"):
        canned.oidc().password("dev", "x")


@pytest.mark.parametrize("named", ["https://evil.example/auth/realms/dash", "\x1b[2Jx", "", 7])
def test_service_that_is_another(named: object) -> None:
    with serving((TOKEN,), **{TOKEN: (200, {"access_token": "a"})}) as canned:
        canned.claims["issuer"] = named
        with pytest.raises(UsageError, match=r"says that it is|is not a Dash") as refused:
            canned.oidc().password("dev", "secret")
    assert [name for name, _ in canned.asked] == ["openid-configuration"]
    assert "\x1b" not in str(refused.value)


def test_service_by_its_front_end_address() -> None:
    with serving((TOKEN,), **{TOKEN: (200, {"access_token": "a.b.c"})}) as canned:
        canned.claims["issuer"] = f"{canned.url}/front/"
        values = Settings(issuer=f"{canned.url}/front")
        named = Oidc(Host.of("example.plotly.host", values), Transport())
        assert named.password("dev", "secret").access_token == "a.b.c"


def test_revocation_asks_for_the_refresh_token() -> None:
    with serving((TOKEN, REVOKE), **{REVOKE: (200, "")}) as canned:
        canned.oidc().revoke(LOGIN)
    form = {"client_id": ["dash"], "token": ["refresh"], "token_type_hint": ["refresh_token"]}
    assert canned.asked[-1] == (REVOKE, form)


def test_logout_where_there_is_no_revocation() -> None:
    end = "end_session_endpoint"
    with serving((TOKEN, end), **{end: (204, "")}) as canned:
        canned.oidc().revoke(LOGIN)
    assert canned.asked[-1] == (end, {"client_id": ["dash"], "refresh_token": ["refresh"]})


@pytest.mark.parametrize("answer", [(400, {"error": "invalid_request"}), (404, "")])
def test_revocation_that_is_refused(answer: tuple[int, object]) -> None:
    with (
        serving((TOKEN, REVOKE), **{REVOKE: answer}) as canned,
        pytest.raises(DeTasksError, match="answers: "),
    ):
        canned.oidc().revoke(LOGIN)


def test_login_that_cannot_be_renewed(oidc: Oidc) -> None:
    with pytest.raises(NotLoggedIn, match="Log in again"):
        oidc.refresh(replace(LOGIN, refresh_token=""))
