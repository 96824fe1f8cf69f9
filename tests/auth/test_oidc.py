"""The client against a standard provider, and a standard client against the sandbox."""

from __future__ import annotations

import base64
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakPostError

from de_tasks.auth import device, oidc
from de_tasks.auth.device import DeviceCode
from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc, ProviderAnswer
from de_tasks.config.host import Host
from de_tasks.errors import AuthError, DeTasksError, NotLoggedIn, UsageError
from de_tasks.net.http import Transport
from de_tasks.server import control
from tests.support.backstage import PASSWORD
from tests.support.canned import serving
from tests.support.faultproxy import FaultProxy, Strike
from tests.support.forms import answer
from tests.support.people import Person
from tests.support.places import ROOT
from tests.support.report import needs

PROVIDER = ROOT / "tests" / "support" / "provider"
CONFIRM = {"confirm": "yes"}
SIGN_IN = {"login": "jessica", "password": "any"}


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest) -> Path:
    """The provider's program, with its packages, which the first run installs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip(needs("node and npm are not installed", "apt-get install nodejs npm"))
    assert request.config.cache
    folder = request.config.cache.mkdir("oidc-provider")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in PROVIDER.iterdir():
            shutil.copy(file, folder)
        if not (folder / "node_modules" / "oidc-provider").exists():
            install = [npm, "install", "--no-audit", "--no-fund", "--silent"]
            done = subprocess.run(
                install, cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode:
                reason = f"npm cannot install oidc-provider ({done.stderr.strip()[-200:]})"
                pytest.skip(needs(reason, "let npm reach its registry"))
    return folder / "provider.js"


@contextmanager
def started(program: Path, *arguments: str) -> Iterator[Oidc]:
    with subprocess.Popen(
        ["node", str(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdin and child.stdout
        address = child.stdout.readline().strip()
        assert address, "the provider did not start"
        try:
            yield Oidc(Host.parse(address), Transport())
        finally:
            child.stdin.close()


@pytest.fixture(scope="module")
def provider(program: Path) -> Iterator[Oidc]:
    with started(program) as found:
        yield found


def at_once(_: float) -> None:
    """No test waits for an interval."""


def approved(provider: Oidc) -> DeviceCode:
    code = device.begin(provider)
    page = answer(code.page, [{}, CONFIRM, SIGN_IN, {}])
    assert "Success" in page, page
    return code


@pytest.mark.network
def test_login_with_a_standard_provider(provider: Oidc) -> None:
    login = device.finish(provider, approved(provider), at_once)
    assert login.username == "jessica" and login.access_token.count(".") == 0
    following = provider.refresh(login)
    assert following.refresh_token != login.refresh_token and following.username == "jessica"
    provider.revoke(following)
    with pytest.raises(NotLoggedIn):
        provider.refresh(following)


@pytest.mark.network
def test_no_at_a_standard_provider(provider: Oidc) -> None:
    code = device.begin(provider)
    answer(code.page, [{}, {**CONFIRM, "abort": "yes"}])
    with pytest.raises(AuthError, match="denied in the browser"):
        device.finish(provider, code, at_once)


@pytest.mark.network
def test_code_that_a_standard_provider_does_not_know(provider: Oidc) -> None:
    code = replace(device.begin(provider), device_code="unknown")
    with pytest.raises(AuthError, match="expired"):
        device.finish(provider, code, at_once)


@pytest.mark.network
def test_flow_that_a_standard_provider_has_off(program: Path) -> None:
    with (
        started(program, "off") as provider,
        pytest.raises(AuthError, match=r"browser is switched off.+Log in with --username"),
    ):
        device.begin(provider)


@pytest.mark.network
def test_password_at_a_provider_without(provider: Oidc) -> None:
    with pytest.raises(AuthError, match=r"password is switched off.+Log in with a browser"):
        provider.password("jessica", "any")


@pytest.mark.network
def test_unknown_client(provider: Oidc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "CLIENT", "other")
    with pytest.raises(AuthError, match="does not know the client other"):
        device.begin(provider)


LOGIN = Login("a.example", "dev", "the access token", "the refresh token", 0.0)


@pytest.mark.parametrize("refresh", ["the refresh token", ""])
def test_login_is_ended_with_the_token_that_there_is(refresh: str) -> None:
    offered = ("token_endpoint", "revocation_endpoint")
    with serving(offered, revocation_endpoint=(200, {})) as canned:
        canned.oidc().revoke(replace(LOGIN, refresh_token=refresh))
    _, form = canned.asked[-1]
    kind = "refresh_token" if refresh else "access_token"
    assert (form["token"], form["token_type_hint"]) == ([refresh or "the access token"], [kind])


def test_login_that_the_server_does_not_end_is_said() -> None:
    refused = {"error": "x", "error_description": "Not now."}
    offered = ("token_endpoint", "revocation_endpoint")
    with serving(offered, revocation_endpoint=(400, refused)) as canned:
        with pytest.raises(DeTasksError, match=r"answers: Not now$"):
            canned.oidc().revoke(LOGIN)
    with serving(("token_endpoint",)) as canned, pytest.raises(UsageError, match="end_session_end"):
        canned.oidc().revoke(LOGIN)


@pytest.mark.parametrize("payload", ["no json", "[]", "\xff"])
def test_token_that_is_not_to_be_read_names_nobody(payload: str) -> None:
    part = base64.urlsafe_b64encode(payload.encode("latin-1")).decode().rstrip("=")
    for token in ("opaque", f"head.{part}.signature"):
        with serving(("token_endpoint",)) as canned:
            answer = ProviderAnswer(200, {"access_token": token})
            assert canned.oidc().login(answer).username == "?"


def test_server_of_this_machine_that_breaks_off_is_no_sandbox() -> None:
    answers: list[Strike] = [lambda one: one.answer("404 No", "{}"), lambda one: one.reset()]
    with FaultProxy("http://127.0.0.1:9").running() as proxy:
        proxy.arm(lambda exchange: answers.pop(0)(exchange), "openid-configuration", times=2)
        apps = Host.parse(proxy.url.replace("127.0.0.1", "localhost"))
        with pytest.raises(UsageError, match="is not a Dash Enterprise: it has no sign-in"):
            Oidc(apps, Transport()).offers("token_endpoint")
    assert proxy.struck == 2, "and 127.0.0.1, where a sandbox itself would be"


@pytest.fixture
def keycloak_client(sandbox: control.Running) -> KeycloakOpenID:
    """The client of somebody else for Keycloak."""
    return KeycloakOpenID(f"{sandbox.url}/auth/", realm_name="dash", client_id="dash")


def test_standard_client_logs_in_to_the_sandbox(
    keycloak_client: KeycloakOpenID, sandbox: control.Running, dev: Person
) -> None:
    assert dict(keycloak_client.well_known())["issuer"] == f"{sandbox.url}/auth/realms/dash"
    tokens = keycloak_client.token(dev.name, PASSWORD, scope="openid offline_access")
    user = keycloak_client.userinfo(tokens["access_token"])
    assert isinstance(user, dict) and user["preferred_username"] == dev.name
    claims = keycloak_client.decode_token(tokens["access_token"], check_claims={"azp": "dash"})
    assert claims["preferred_username"] == dev.name
    following = keycloak_client.refresh_token(tokens["refresh_token"])
    keycloak_client.logout(following["refresh_token"])
    with pytest.raises(KeycloakPostError):
        keycloak_client.refresh_token(following["refresh_token"])


def test_standard_client_begins_a_login_with_a_browser(keycloak_client: KeycloakOpenID) -> None:
    assert {"device_code", "user_code", "verification_uri"} <= set(keycloak_client.device())


def test_standard_client_is_refused_with_a_wrong_password(
    keycloak_client: KeycloakOpenID, dev: Person
) -> None:
    with pytest.raises(KeycloakAuthenticationError):
        keycloak_client.token(dev.name, "wrong")
