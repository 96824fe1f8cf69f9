"""What goes over the wire: device login, large pushes, WebSockets, points, tokens."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from de_tasks.auth import device
from de_tasks.auth.device import DeviceCode
from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.auth.session import Session
from de_tasks.auth.store import Store
from de_tasks.config.host import Host
from de_tasks.errors import AuthError, NotLoggedIn
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import Person, log_in
from tests.support.platforms import platform_of
from tests.support.repositories import Repository
from tests.support.waiting import BOUND, until


@pytest.fixture
def oidc(sandbox: control.Running) -> Oidc:
    return Oidc(Host.parse(sandbox.url), Transport())


@pytest.fixture
def login(sandbox: control.Running, dev: Person) -> Login:
    return backstage(sandbox).login(dev.name)


def answer_in_browser(browser: Browser, code: DeviceCode, name: str, answer: str) -> str:
    page = browser.sign_in(name, browser.get(code.page))
    assert code.user_code in page.text
    return browser.submit(page, answer=answer).text


def finish(oidc: Oidc, code: DeviceCode) -> Login:
    """The login whose question is answered already: nobody has to wait for it."""
    return device.finish(oidc, code, sleep=lambda seconds: None)


def test_device_login_yes(oidc: Oidc, sandbox: control.Running, dev: Person) -> None:
    code = device.begin(oidc)
    assert "Access granted" in answer_in_browser(Browser(sandbox), code, dev.name, "yes")
    assert finish(oidc, code).username == dev.name


def test_device_login_no(oidc: Oidc, sandbox: control.Running, dev: Person) -> None:
    code = device.begin(oidc)
    assert "Access denied" in answer_in_browser(Browser(sandbox), code, dev.name, "no")
    with pytest.raises(AuthError, match="denied"):
        finish(oidc, code)


def test_refresh_token_is_good_once(oidc: Oidc, login: Login) -> None:
    following = oidc.refresh(oidc.refresh(login))
    with pytest.raises(NotLoggedIn):
        oidc.refresh(login)
    with pytest.raises(NotLoggedIn):
        oidc.refresh(following)


def test_refresh_whose_answer_was_lost_is_repeated(oidc: Oidc, login: Login) -> None:
    oidc.refresh(login)
    assert oidc.refresh(oidc.refresh(login)).username == login.username


def test_login_that_two_hold_ends(oidc: Oidc, login: Login) -> None:
    thought_lost = oidc.refresh(login)
    following = oidc.refresh(login)
    for tokens in (thought_lost, following):
        with pytest.raises(NotLoggedIn):
            oidc.refresh(tokens)


def test_two_sessions_refresh_an_expired_token(tmp_path: Path, oidc: Oidc, login: Login) -> None:
    store = Store.at(tmp_path / "login.json")
    old = replace(login, expires=time.time() - 1)
    store.put(old)
    one, two = Session(oidc, old, store), Session(oidc, old, store)
    assert one.header() == two.header() != f"Bearer {login.access_token}"


def test_plain_git_push_shows_the_build(dev: Person, login: Login, quick: Path) -> None:
    assert dev.inv("create", "--name", quick.name).code == 0
    repository, address = Repository.make(quick), f"{dev.host}/GIT/{quick.name}"
    pair = base64.b64encode(f"{dev.name}:{login.access_token}".encode()).decode()
    for header in (f"Bearer {login.access_token}", f"Basic {pair}"):
        option = f"http.extraHeader=Authorization: {header}"
        repository.commit("again")
        pushed = repository.run("-c", option, "push", address, "HEAD:master")
        assert pushed.returncode == 0 and "remote: -----> Released" in pushed.stderr
    refused = repository.run("-c", option, "push", address, "HEAD:other")
    assert refused.returncode != 0 and "Only master is deployed" in refused.stderr
    gone = repository.run("-c", option, "push", address, ":master")
    assert gone.returncode != 0 and "cannot be deleted" in gone.stderr


def test_large_push_keeps_the_server_small(tmp_path: Path, quick: Path) -> None:
    running = control.start(tmp_path / "data", {"port": 0})
    try:
        dev = log_in(running, "dev", tmp_path / "home")
        assert dev.inv("deploy", "-y", folder=quick).code == 0, "now all that it needs is loaded"
        before = memory(running, "VmRSS")
        # From here on the peak is counted anew (proc(5)).
        Path(f"/proc/{running.pid}/clear_refs").write_text("5")
        (quick / "large.bin").write_bytes(os.urandom(60 * 1024**2))
        done = dev.inv("deploy", folder=quick)
        assert done.code == 0, done.err
        assert memory(running, "VmHWM") - before < 30 * 1024
    finally:
        control.stop(running)


def memory(running: control.Running, name: str) -> int:
    """Kibibytes of a server's process."""
    text = Path(f"/proc/{running.pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0])


def test_deploy_costs_few_points(dev: Person, sandbox: control.Running, quick: Path) -> None:
    def spent() -> int:
        return int(control.administer(sandbox, "points", {})[dev.name]["spent"])

    assert dev.run("whoami").code == 0
    for most in (17, 9):
        before = spent()
        assert dev.run("deploy -y", folder=quick).code == 0
        assert spent() - before <= most
        (quick / "more.txt").write_text("changed")


def test_rate_limit_is_waited_out(tmp_path: Path) -> None:
    options = {"port": 0, "rate_limit_points": 1, "rate_limit_seconds": 2}
    running = control.start(tmp_path / "data", options)
    told: list[str] = []
    try:
        platform = platform_of(running, "dev", Policy(tell=lambda wait: told.append(wait.text)))
        until(lambda: platform.whoami().username == "dev" and told, "a limit is reached")
        assert told[0].startswith("Rate limit reached: going on in ")
    finally:
        control.stop(running)


def test_wait_for_points_says_whose_and_is_a_part_of_its_own(tmp_path: Path, quick: Path) -> None:
    options = {"port": 0, "rate_limit_points": 8, "rate_limit_seconds": 3}
    running = control.start(tmp_path / "data", options)
    try:
        done = log_in(running, "dev", tmp_path / "home").run("deploy -y --json", folder=quick)
    finally:
        control.stop(running)
    events = [json.loads(line) for line in done.out.splitlines()]
    waits = [event for event in events if event["event"] == "wait"]
    assert all(f"Rate limit of dev on {running.url} reached" in wait["text"] for wait in waits)
    waited = sum(wait["seconds"] for wait in waits)
    assert waited and abs(events[-1]["parts"]["waiting for points"] - waited) < 0.5


ECHO = """
import os
from aiohttp import web
async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data + " from " + request.path)
    return socket
async def home(request):
    return web.Response(text="ok")
app = web.Application()
app.add_routes([web.get("/", home), web.get("/ws", echo)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]))
"""


def test_websocket_through_the_proxy(dev: Person, sandbox: control.Running, wsgi: Path) -> None:
    (wsgi / "echo.py").write_text(ECHO)
    (wsgi / "Procfile").write_text("web: python echo.py\n")
    (wsgi / "requirements.txt").write_text("aiohttp\n")
    assert dev.inv("deploy", "-y", folder=wsgi).code == 0

    async def talk() -> str:
        url = f"ws://localhost:{sandbox.port}/{wsgi.name}/ws"
        async with aiohttp.ClientSession() as client, client.ws_connect(url) as socket:
            await socket.send_str("hello")
            return str((await socket.receive(timeout=BOUND)).data)

    assert asyncio.run(talk()) == "hello from /ws"
