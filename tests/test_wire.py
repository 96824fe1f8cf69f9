"""What goes over the wire: device login, large pushes, WebSockets, points, tokens."""

from __future__ import annotations

import asyncio
import base64
import html
import http.cookiejar
import os
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from de_tasks.auth import device
from de_tasks.auth.device import DeviceCode
from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.auth.session import Session
from de_tasks.config import Host
from de_tasks.errors import AuthError, NotLoggedIn
from de_tasks.retry import Policy
from de_tasks.server import control
from de_tasks.transport import Transport
from tests.support.people import People, Person
from tests.support.platforms import platform_of

GIT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{r}_{p}": "t@t" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=GIT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def oidc(sandbox: control.Running) -> Oidc:
    return Oidc(Host.parse(sandbox.url), Transport())


@pytest.fixture
def login(oidc: Oidc, sandbox: control.Running) -> Login:
    return oidc.password("dev", passwords(sandbox)["dev"])


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def answer_in_browser(code: DeviceCode, password: str, answer: str) -> str:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def post(page: str, **form: str) -> str:
        url = code.page.partition("/device")[0] + page
        data = urllib.parse.urlencode(form).encode()
        return str(browser.open(url, data, timeout=10).read().decode())

    form = hidden(browser.open(code.page, timeout=10).read().decode())
    page = post("/sign-in", **form, username="dev", password=password)
    assert code.user_code in page
    return post("/device", **hidden(page), answer=answer)


def test_device_login_yes(oidc: Oidc, sandbox: control.Running) -> None:
    code = device.begin(oidc)
    assert "Access granted" in answer_in_browser(code, passwords(sandbox)["dev"], "yes")
    assert device.finish(oidc, code).username == "dev"


def test_device_login_no(oidc: Oidc, sandbox: control.Running) -> None:
    code = device.begin(oidc)
    assert "Access denied" in answer_in_browser(code, passwords(sandbox)["dev"], "no")
    with pytest.raises(AuthError, match="denied"):
        device.finish(oidc, code)


def test_refresh_token_is_good_once(oidc: Oidc, login: Login) -> None:
    following = oidc.refresh(oidc.refresh(login))
    with pytest.raises(NotLoggedIn):
        oidc.refresh(login)
    with pytest.raises(NotLoggedIn):
        oidc.refresh(following)


def test_refresh_whose_answer_was_lost_is_repeated(oidc: Oidc, login: Login) -> None:
    oidc.refresh(login)
    assert oidc.refresh(oidc.refresh(login)).username == "dev"


def test_login_that_two_hold_ends(oidc: Oidc, login: Login) -> None:
    thought_lost = oidc.refresh(login)
    following = oidc.refresh(login)
    for tokens in (thought_lost, following):
        with pytest.raises(NotLoggedIn):
            oidc.refresh(tokens)


def test_two_sessions_refresh_an_expired_token(tmp_path: Path, oidc: Oidc, login: Login) -> None:
    from dataclasses import replace

    from de_tasks.auth.store import Store

    store = Store.at(tmp_path / "login.json")
    old = replace(login, expires=time.time() - 1)
    store.put(old)
    one, two = Session(oidc, old, store), Session(oidc, old, store)
    assert one.header() == two.header() != f"Bearer {login.access_token}"


def test_plain_git_push_shows_the_build(dev: Person, login: Login, quick: Path) -> None:
    assert dev.inv("create", "--name", "plain-git").code == 0
    git(quick, "init", "-q", "-b", "main")
    git(quick, "add", ".")
    git(quick, "commit", "-qm", "first")
    pair = base64.b64encode(f"dev:{login.access_token}".encode()).decode()
    for header in (f"Bearer {login.access_token}", f"Basic {pair}"):
        option = f"http.environmentHeader=Authorization: {header}"
        git(quick, "commit", "-q", "--allow-empty", "-m", "again")
        pushed = git(quick, "-c", option, "push", f"{dev.host}/GIT/plain-git", "HEAD:master")
        assert pushed.returncode == 0 and "remote: -----> Released" in pushed.stderr
    refused = git(quick, "-c", option, "push", f"{dev.host}/GIT/plain-git", "HEAD:other")
    assert refused.returncode != 0 and "Only master is deployed" in refused.stderr
    gone = git(quick, "-c", option, "push", f"{dev.host}/GIT/plain-git", ":master")
    assert gone.returncode != 0 and "cannot be deleted" in gone.stderr


def test_large_push_keeps_the_server_small(
    dev: Person, sandbox: control.Running, quick: Path
) -> None:
    (quick / "large.bin").write_bytes(os.urandom(60 * 1024**2))
    peak = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            text = Path(f"/proc/{sandbox.pid}/status").read_text()
            peak[0] = max(peak[0], int(text.split("VmRSS:")[1].split()[0]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    before = int(Path(f"/proc/{sandbox.pid}/status").read_text().split("VmRSS:")[1].split()[0])
    try:
        done = dev.inv("deploy", "-y", folder=quick)
    finally:
        over.set()
        watcher.join()
    assert done.code == 0, done.err
    assert peak[0] - before < 30 * 1024


def test_deploy_costs_few_points(people: People, sandbox: control.Running, quick: Path) -> None:
    eve = people.add("thrifty", "licensed_user")

    def spent() -> int:
        return int(control.administer(sandbox, "points", {})["thrifty"]["spent"])

    assert eve.run("whoami").code == 0
    for most in (17, 9):
        before = spent()
        assert eve.run("deploy -y", folder=quick).code == 0
        assert spent() - before <= most
        (quick / "more.txt").write_text("changed")


def test_rate_limit_is_waited_out(tmp_path: Path) -> None:
    options = {"port": control.free_port(), "rate_limit_points": 2, "rate_limit_seconds": 2}
    running = control.start(tmp_path / "data", options)
    told: list[str] = []
    try:
        platform = platform_of(running, "dev", Policy(tell=lambda wait: told.append(wait.text)))
        assert {platform.whoami().username for _ in range(3)} == {"dev"}
        assert told and told[0].startswith("Rate limit reached: going on in ")
    finally:
        control.stop(running)


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
    assert dev.inv("deploy", "-y", "--name", "sockets", folder=wsgi).code == 0

    async def talk() -> str:
        url = f"ws://localhost:{sandbox.port}/sockets/ws"
        async with aiohttp.ClientSession() as client, client.ws_connect(url) as socket:
            await socket.send_str("hello")
            return str((await socket.receive(timeout=10)).data)

    assert asyncio.run(talk()) == "hello from /ws"
