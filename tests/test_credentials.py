"""Which credentials a command acts with."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from de_tasks import config
from de_tasks.environment import SECRETS, without_secrets
from de_tasks.server import control
from tests.conftest import Cli, passwords


def pair(running: control.Running, user: str) -> dict[str, str]:
    return {
        "DASH_ENTERPRISE_USERNAME": user,
        "DASH_ENTERPRISE_PASSWORD": passwords(running)[user],
    }


@pytest.fixture
def key(sandbox: control.Running) -> str:
    return str(control.administer(sandbox, "api-key", {"username": "dev"})["key"])


def test_api_key_serves_api_and_git(
    stranger: Cli, key: str, wsgi: Path, sandbox: control.Running
) -> None:
    stranger.extra |= {"DASH_ENTERPRISE_USERNAME": "dev", "DASH_ENTERPRISE_API_KEY": key}
    assert stranger.run("whoami").stdout == f"Logged in as [dev] to [{stranger.host}].\n"
    done = stranger.run("deploy", "-y", folder=wsgi)
    assert done.returncode == 0, done.stderr
    assert not (stranger.home / ".dash_enterprise").exists()


def test_api_key_goes_before_the_login(cli: Cli, key: str) -> None:
    cli.extra |= {"DASH_ENTERPRISE_USERNAME": "dev", "DASH_ENTERPRISE_API_KEY": key + "x"}
    refused = cli.run("whoami")
    assert refused.returncode == 4 and "refuses the API key of dev" in refused.stderr
    assert key not in refused.stderr


def test_api_key_needs_a_user_name(stranger: Cli) -> None:
    stranger.extra["DASH_ENTERPRISE_API_KEY"] = "canary-7392"
    refused = stranger.run("whoami")
    assert refused.returncode == 2 and "DASH_ENTERPRISE_USERNAME" in refused.stderr
    assert "canary-7392" not in stranger.run("doctor").stdout + refused.stderr


def test_named_user_goes_before_the_login(cli: Cli, sandbox: control.Running) -> None:
    cli.extra |= pair(sandbox, "viewer")
    assert "[viewer]" in cli.run("whoami").stdout
    cli.extra.clear()
    assert "[dev]" in cli.run("whoami").stdout


def test_no_keyfile_ignores_the_login(cli: Cli, sandbox: control.Running) -> None:
    cli.extra["INVOKE_DE_NO_KEYFILE"] = "1"
    refused = cli.run("whoami")
    assert refused.returncode == 4 and "DASH_ENTERPRISE_API_KEY" in refused.stderr
    cli.extra |= pair(sandbox, "dev")
    assert "[dev]" in cli.run("whoami").stdout


def test_other_programs_get_no_secret() -> None:
    """Every setting that is not shown is left out of the environment of what we start."""
    hidden = [setting.name for setting in fields(config.Settings) if not setting.repr]
    names = {config.REFERENCE_VARIABLES[name] for name in hidden}
    names |= {f"INVOKE_DE_{name.upper()}" for name in hidden}
    assert names == SECRETS
    assert without_secrets(dict.fromkeys(names, "canary") | {"A": "1"}) == {"A": "1"}
