"""What runs of each app: when a release counts as started."""

from __future__ import annotations

import asyncio
import http.server
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from de_tasks.health import readiness
from de_tasks.server.runtime.releases import NotStarted, Releases
from de_tasks.server.settings import ServerSettings


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
