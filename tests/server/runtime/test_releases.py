"""What runs of each app: when a release counts as started."""

from __future__ import annotations

import asyncio
import http.server
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from de_tasks.health import readiness
from de_tasks.server.database import Database
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import BuildError, Environments
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.runtime.releases import NotStarted, Releases
from de_tasks.server.runtime.variables import Variables
from de_tasks.server.settings import ServerSettings
from tests.support.apps import SERVER, app_folder
from tests.support.people import Person
from tests.support.processes import processes_of


class Failing(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(500)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


async def healthy(port: int, data: Path, say: Any) -> None:
    """Wait for the release's web process on a port, whose process goes on running."""
    web = cast(Any, SimpleNamespace(port=port, process=SimpleNamespace()))
    web.process.process = SimpleNamespace(exit_status=None)
    none = cast(Any, None)
    async with aiohttp.ClientSession() as client:
        releases = Releases(ServerSettings(data, 0), none, none, none, client)
        await releases._healthy(web, say)


def test_app_that_goes_on_answering_an_error_is_told_of_once_and_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "SAID_AFTER", 0.0)
    monkeypatch.setattr(readiness, "GIVEN_UP_AFTER", 0.7)
    said: list[str] = []
    with http.server.HTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(NotStarted, match="answered GET / with status 500 for "):
            asyncio.run(healthy(server.server_port, tmp_path, said.append))
        server.shutdown()
    assert said == ["       web answers 500 so far"]


def test_restart_that_fails_leaves_the_old_processes(dev: Person, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    guard = f"web: test ! -e {broken} || {{ echo no $TOKEN >&2; exit 3; }}; exec "
    folder = app_folder(tmp_path, "restarted", Procfile=SERVER.replace("web: ", guard))
    name = folder.name
    assert dev.inv("deploy", "-y", "--no-check", folder=folder).code == 0
    # Nobody is to read it in a log.
    set_it = ("--add-environment-variable", "TOKEN=secret-value")
    assert dev.inv("update", "--name", name, *set_it).code == 0
    assert dev.inv("restart", "--name", name).code == 0
    broken.touch()
    refused = dev.inv("restart", "--name", name)
    assert refused.code == 1
    assert re.search(
        r"web ended with status 3 after \d\.\d s: no \*{4}\. "
        r"The processes that were running keep running\.\n",
        refused.err,
    ), refused.err
    log = dev.inv("logs", "--name", name, "--type", "runtime").out
    assert re.search(
        r"^\[sandbox\] not restarted, the old processes go on: .* no \*{4}$", log, re.M
    ), log
    assert "running" in dev.inv("status", "--name", name).out


@pytest.mark.slow
def test_command_of_a_build_has_a_time_limit(tmp_path: Path) -> None:
    none = cast(Any, None)
    database, leash = Database(tmp_path / "sandbox.sqlite3"), Leash()

    async def urls(app_id: int) -> dict[str, str]:
        return {}

    settings = ServerSettings(tmp_path, 1, install_timeout=1)
    app_settings = AppSettings(database, Variables(database), urls, ())
    environments = Environments(tmp_path / "environments", None, 1)
    releases = Releases(settings, environments, app_settings, leash, none)
    app, mark = releases.app(1, "shop"), tmp_path / "mark"
    app.release_folder(1).mkdir(parents=True)
    mark.touch()
    command = f"tail -f {mark} & wait"
    with pytest.raises(BuildError, match=r"^predeploy did not end within 1 s\.$"):
        asyncio.run(releases.run(app, 1, "environment", "predeploy", command, lambda text: None))
    assert processes_of(mark) == []
    leash.close()
    database.close()
