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
from tests.support.canaries import ROWS
from tests.support.canary_stage import GIVEN, VALUE

KEY = "canary-key-91ce"
AWAY = ["dead", "refused"]


@pytest.fixture(params=AWAY)
def failing(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    wsgi: Path,
    sandbox: control.Running,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """A host that is away, or one that refuses our key; secrets are in the environment."""
    url = f"http://127.0.0.1:{control.free_port()}" if request.param == "dead" else sandbox.url
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
def parser() -> Parser:
    return Parser(contexts=de_tasks.ns.to_contexts())


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("name", sorted(set(ROWS) - {"sandbox.start"}))
def test_failure_shows_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for line in (*ROWS[name].good, *ROWS[name].bad):
        monkeypatch.setattr(sys, "stdin", io.StringIO(VALUE + "\n"))
        text = ""
        try:
            parsed = parser().parse_argv([name, *line.split()])
            invoke.Executor(de_tasks.ns).execute(*parsed)
        except (invoke.ParseError, invoke.Exit) as error:
            text = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
            assert isinstance(error, (DeTasksError, invoke.ParseError, invoke.Exit))
        printed = capfd.readouterr()
        text += printed.out + printed.err
        assert not [c for c in (VALUE, GIVEN, KEY) if c in text], text
