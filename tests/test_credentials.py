"""Which credentials a command acts with."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from de_tasks import config
from de_tasks.environment import SECRETS, without_secrets
from de_tasks.server import control
from tests.support.people import Person


def pair(running: control.Running, user: str) -> dict[str, str]:
    return {
        "DASH_ENTERPRISE_USERNAME": user,
        "DASH_ENTERPRISE_PASSWORD": passwords(running)[user],
    }


@pytest.fixture
def key(sandbox: control.Running) -> str:
    return str(control.administer(sandbox, "api-key", {"username": "dev"})["key"])


def test_api_key_serves_api_and_git(
    nobody: Person, key: str, wsgi: Path, sandbox: control.Running
) -> None:
    nobody.environment |= {"DASH_ENTERPRISE_USERNAME": "dev", "DASH_ENTERPRISE_API_KEY": key}
    assert nobody.inv("whoami").out == f"Logged in as [dev] to [{nobody.host}].\n"
    done = nobody.inv("deploy", "-y", folder=wsgi)
    assert done.code == 0, done.err
    assert not (nobody.home / ".dash_enterprise").exists()


def test_api_key_goes_before_the_login(dev: Person, key: str) -> None:
    dev.environment |= {"DASH_ENTERPRISE_USERNAME": "dev", "DASH_ENTERPRISE_API_KEY": key + "x"}
    refused = dev.inv("whoami")
    assert refused.code == 4 and "refuses the API key of dev" in refused.err
    assert key not in refused.err


def test_api_key_needs_a_user_name(nobody: Person) -> None:
    nobody.environment["DASH_ENTERPRISE_API_KEY"] = "canary-7392"
    refused = nobody.inv("whoami")
    assert refused.code == 2 and "DASH_ENTERPRISE_USERNAME" in refused.err
    assert "canary-7392" not in nobody.inv("doctor").out + refused.err


def test_named_user_goes_before_the_login(dev: Person, sandbox: control.Running) -> None:
    dev.environment |= pair(sandbox, "viewer")
    assert "[viewer]" in dev.inv("whoami").out
    dev.environment.clear()
    assert "[dev]" in dev.inv("whoami").out


def test_no_keyfile_ignores_the_login(dev: Person, sandbox: control.Running) -> None:
    dev.environment["INVOKE_DE_NO_KEYFILE"] = "1"
    refused = dev.inv("whoami")
    assert refused.code == 4 and "DASH_ENTERPRISE_API_KEY" in refused.err
    dev.environment |= pair(sandbox, "dev")
    assert "[dev]" in dev.inv("whoami").out


def test_other_programs_get_no_secret() -> None:
    """Every setting that is not shown is left out of the environment of what we start."""
    hidden = [setting.name for setting in fields(config.Settings) if not setting.repr]
    names = {config.REFERENCE_VARIABLES[name] for name in hidden}
    names |= {f"INVOKE_DE_{name.upper()}" for name in hidden}
    assert names == SECRETS
    assert without_secrets(dict.fromkeys(names, "canary") | {"A": "1"}) == {"A": "1"}
