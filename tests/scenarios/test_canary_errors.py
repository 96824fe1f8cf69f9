"""Every command, called where it must fail, with secrets in its environment: no error has one."""

from __future__ import annotations

import functools
import io
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import invoke
import pytest
from invoke.parser import Parser

import de_tasks
from de_tasks.errors import DeTasksError
from de_tasks.server import control
from tests.support import ports
from tests.support.canaries import ROWS
from tests.support.canary_stage import GIVEN, VALUE

pytestmark = pytest.mark.sandbox

KEY = "canary-key-91ce"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox that knows no password of ours, and says so again and again."""
    options = {"port": 0, "sign_in_failures": 10_000}
    running = control.start(tmp_path_factory.mktemp("refusing"), options)
    yield running
    control.stop(running)


@pytest.fixture
def dead() -> Iterator[str]:
    """The address of a host that does not answer."""
    with ports.held() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["dead", pytest.param("refusing", marks=pytest.mark.sandbox)])
def failing(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wsgi: Path,
    dead: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """A host that is away, or one that refuses our key; secrets are in the environment."""
    away = request.param == "dead"
    url = dead if away else str(request.getfixturevalue("refusing").url)
    for name in [n for n in os.environ if n.startswith(("DASH_ENTERPRISE", "INVOKE", "GIT"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "DASH_ENTERPRISE_HOST": url,
        "DASH_ENTERPRISE_USERNAME": "dev",
        "DASH_ENTERPRISE_PASSWORD": GIVEN,
        "DASH_ENTERPRISE_API_KEY": KEY,
        "INVOKE_DE_RETRY_DEADLINE": "1",
        "INVOKE_DE_RETRY_ATTEMPTS": "1",
        "INVOKE_DE_SANDBOX_DATA": str(tmp_path / "nothing"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(wsgi)
    (wsgi / "secrets.env").write_text(f"FROM_FILE={VALUE}\n")
    yield


@functools.cache
def parsers() -> dict[str, Parser]:
    """For each command one that knows it alone, which is quicker."""
    return {str(one.name): Parser(contexts=[one]) for one in de_tasks.ns.to_contexts()}


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("name", sorted(set(ROWS) - {"sandbox.start"}))
def test_failure_shows_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for line in (*ROWS[name].good, *ROWS[name].bad):
        monkeypatch.setattr(sys, "stdin", io.StringIO(VALUE + "\n"))
        text = ""
        try:
            parsed = parsers()[name].parse_argv([name, *line.split()])
            invoke.Executor(de_tasks.ns).execute(*parsed)
        except (invoke.ParseError, invoke.Exit) as error:
            text = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
            assert isinstance(error, (DeTasksError, invoke.ParseError, invoke.Exit))
        printed = capfd.readouterr()
        text += printed.out + printed.err
        assert not [c for c in (VALUE, GIVEN, KEY) if c in text], text
