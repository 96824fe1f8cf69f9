"""An app that streams: events without end, and a WebSocket that says everything again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from tests.support.apps import app_folder
from tests.support.browser import Browser
from tests.support.people import Person
from tests.support.waiting import BOUND

STREAMS = """
import asyncio, os
from aiohttp import web

async def events(request):
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    while True:
        await answer.write(b"data: tick\\n\\n")
        await asyncio.sleep(0.1)

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.data == "die":
            os._exit(1)
        if message.data == "close":
            await socket.close(code=4001)
        else:
            await socket.send_str(message.data)
    return socket

async def home(request):
    print("asked for", flush=True)
    return web.Response(text="ok")

app = web.Application()
app.add_routes([web.get("/", home), web.get("/events", events), web.get("/ws", echo)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))
"""


def deploy(owner: Person, folder: Path) -> str:
    """Deploy such an app for its owner; returns its name."""
    run = "web: python streams.py\n"
    files = {"streams_py": STREAMS, "Procfile": run, "requirements_txt": "aiohttp\n"}
    app = app_folder(folder, f"test_streams-{secrets.token_hex(2)}", **files)
    done = owner.run(f"deploy {app} -y")
    assert done.code == 0, done.err
    return app.name


def events(browser: Browser, app: str) -> Iterator[bytes]:
    """The app's events in a browser, the first of which has come."""
    answer = browser.get(f"{browser.apps}/{app}/events", stream=True)
    assert answer.status_code == 200, answer.text
    pieces: Iterator[bytes] = answer.iter_content(None)
    assert next(pieces).startswith(b"data: tick")
    return pieces


def socket(browser: Browser, app: str) -> ClientConnection:
    """A WebSocket of the app in a browser."""
    cookies = "; ".join(f"{c.name}={c.value}" for c in browser.session.cookies)
    address = f"{browser.apps.replace('http', 'ws')}/{app}/ws"
    return connect(address, additional_headers={"Cookie": cookies}, open_timeout=BOUND, proxy=None)
