"""Which credentials a command acts with."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from unittest.mock import Mock

import pytest

from de_tasks.auth.credentials import Pair, TokenAsPassword, basic
from de_tasks.config import settings
from de_tasks.config.environment import SECRETS, without_secrets
from de_tasks.errors import NotLoggedIn
from de_tasks.server import control
from tests.support.backstage import PASSWORD, backstage
from tests.support.people import People, Person


def pair(person: Person) -> dict[str, str]:
    return {"DASH_ENTERPRISE_USERNAME": person.name, "DASH_ENTERPRISE_PASSWORD": PASSWORD}


@pytest.fixture
def key(sandbox: control.Running, dev: Person) -> str:
    return backstage(sandbox).key(dev.name)


def test_api_key_serves_api_and_git(nobody: Person, dev: Person, key: str, quick: Path) -> None:
    nobody.environment |= {"DASH_ENTERPRISE_USERNAME": dev.name, "DASH_ENTERPRISE_API_KEY": key}
    assert nobody.inv("whoami").out == f"Logged in as [{dev.name}] to [{nobody.host}].\n"
    done = nobody.inv("deploy", "-y", folder=quick)
    assert done.code == 0, done.err
    assert not nobody.keyfile.exists()


def test_api_key_goes_before_the_login(dev: Person, key: str) -> None:
    named = {"DASH_ENTERPRISE_USERNAME": dev.name, "DASH_ENTERPRISE_API_KEY": key + "x"}
    dev.environment |= named
    refused = dev.inv("whoami")
    assert refused.code == 4 and f"refuses the API key of {dev.name}" in refused.err
    assert key not in refused.err


def test_api_key_needs_a_user_name(nobody: Person) -> None:
    nobody.environment["DASH_ENTERPRISE_API_KEY"] = "canary-7392"
    refused = nobody.inv("whoami")
    assert refused.code == 2 and "DASH_ENTERPRISE_USERNAME" in refused.err
    assert "canary-7392" not in nobody.inv("doctor").out + refused.err


def test_named_user_goes_before_the_login(people: People) -> None:
    dev, viewer = people["dev"], people["viewer"]
    dev.environment |= pair(viewer)
    assert f"[{viewer.name}]" in dev.inv("whoami").out
    dev.environment.clear()
    assert f"[{dev.name}]" in dev.inv("whoami").out


def test_no_keyfile_ignores_the_login(dev: Person) -> None:
    dev.environment["INVOKE_DE_NO_KEYFILE"] = "1"
    refused = dev.inv("whoami")
    assert refused.code == 4 and "DASH_ENTERPRISE_API_KEY" in refused.err
    dev.environment |= pair(dev)
    assert f"[{dev.name}]" in dev.inv("whoami").out


def test_other_programs_get_no_secret() -> None:
    """Every setting that is not shown is left out of the environment of what we start."""
    hidden = [setting.name for setting in fields(settings.Settings) if not setting.repr]
    names = {settings.REFERENCE_VARIABLES[name] for name in hidden}
    names |= {f"INVOKE_DE_{name.upper()}" for name in hidden}
    assert names == SECRETS
    assert without_secrets(dict.fromkeys(names, "canary") | {"A": "1"}) == {"A": "1"}


def test_password_that_git_refuses_is_named_and_remembered() -> None:
    heard = Mock()
    pair = Pair("a.example", "dev", "hunter2", heard)
    with pytest.raises(NotLoggedIn, match=r"The git of a\.example refuses the password of dev\."):
        pair.renew()
    assert heard.call_count == 1 and "hunter2" not in repr(pair)


def test_token_as_a_password_is_the_renewed_one() -> None:
    session = Mock(username="dev")
    session.header.return_value = "Bearer old"
    session.renew.side_effect = lambda: session.header.configure_mock(return_value="Bearer new")
    token = TokenAsPassword(session)
    assert token.header() == basic("dev", "old")
    token.renew()
    assert token.header() == basic("dev", "new")
