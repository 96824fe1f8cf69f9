"""A hostile app: it tries with all that it receives to act as its visitor, who is an admin."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from de_tasks.server import control
from de_tasks.server.proxy.headers import ORIGIN_WIDE, request_headers
from de_tasks.server.settings import ServerSettings
from tests.support.addresses import client
from tests.support.apps import app_folder
from tests.support.attacker import (
    OPENID,
    REALM,
    REFUSED,
    Answer,
    alive,
    genuine,
    request,
    talk,
)
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import log_in
from tests.support.waiting import BOUND

# What it receives it tries in every way; what was answered is its page.
HOSTILE = """
import base64, json, os, urllib.error, urllib.request
from http.cookies import SimpleCookie

def application(environ, start_response):
    headers = [("Content-Type", "application/json")]
    for name in environ.get("HTTP_X_STEAL", "").split(","):
        headers += [("Set-Cookie", f"{name}=planted; Path=/")] if name else []
    headers += [tuple(environ["HTTP_X_SAY"].split(": "))] if "HTTP_X_SAY" in environ else []
    start_response("200 OK", headers)
    told = {k: v for k, v in environ.items() if isinstance(v, str)}
    if environ["PATH_INFO"] != "/act":
        return [json.dumps({"told": told, "environment": dict(os.environ)}).encode()]
    cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    tokens = [base64.b64decode(cookies[n].value).decode() for n in ("kcIdToken", "kcToken")]
    platform, visitor = environ["HTTP_X_PLATFORM"], environ["HTTP_X_VISITOR"]
    return [json.dumps(act(platform, visitor, tokens, environ["HTTP_COOKIE"])).encode()]

def act(platform, visitor, tokens, cookies):
    realm = platform + "/auth/realms/dash/protocol/openid-connect"
    graphql = json.dumps({"query": "{ current { username } }"}).encode()
    seen = {}
    for number, token in enumerate(tokens):
        pair = base64.b64encode(f"{visitor}:{token}".encode()).decode()
        for kind, value in (("Bearer", "Bearer " + token), ("Basic", "Basic " + pair)):
            for name, path, body in (
                ("api", "/Manager/graphql", graphql),
                ("git", "/GIT/vault/info/refs?service=git-upload-pack", None),
                ("push", "/GIT/vault/info/refs?service=git-receive-pack", None),
                ("administration", "/sandbox/users", None),
                ("picture", "/thumbnails/vault", None),
                ("manager", "/apps", None),
                ("account", "/account", None),
            ):
                seen[f"{name} {kind} {number}"] = ask(platform + path, body, Authorization=value)
        form = f"client_id=dash&grant_type=refresh_token&refresh_token={token}".encode()
        seen[f"refresh {number}"] = ask(realm + "/token", form)
        form = ("client_id=dash&grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
                f"&subject_token={token}").encode()
        seen[f"exchange {number}"] = ask(realm + "/token", form)
    apps = os.environ["DASH_LOGOUT_URL"].partition("/auth")[0].replace("127.0.0.1", "localhost")
    for name, url in (("manager", platform + "/apps"), ("account", platform + "/account"),
                      ("docs", platform + "/docs"), ("other app", apps + "/vault/")):
        seen[f"{name} cookies"] = ask(url, None, Cookie=cookies)
    return seen

class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None

def ask(url, body, **headers):
    if body and body.startswith(b"{"):
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
"""


@pytest.fixture(scope="module")
def hostile(fortress: control.Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Somebody's hostile app, which everybody may open; its address."""
    base = tmp_path_factory.mktemp("hostile")
    run = "web: gunicorn wsgi:application --threads 8\n"
    folder = app_folder(
        base, "hostile", wsgi_py=HOSTILE, Procfile=run, requirements_txt="gunicorn\n"
    )
    dev = log_in(fortress, backstage(fortress).add("dev"), base / "author")
    genuine(fortress)
    done = dev.run(f"deploy {folder} -y")
    assert done.code == 0, done.err
    assert dev.run(f"update -n {folder.name} --view-access authenticated").code == 0
    yield f"http://localhost:{fortress.port}/{folder.name}/"
    dev.run(f"delete -y -n {folder.name}")


def visitor(running: control.Running, address: str, user: str = "") -> Browser:
    """The browser of a user, a new admin if none is named, who has opened the app."""
    browser = Browser(running).be(user or backstage(running).add("admin"))
    assert browser.get(address).status_code == 200
    return browser


def name_of(address: str) -> str:
    """The name of the app at an address."""
    return urlsplit(address).path.strip("/")


def told(browser: Browser, address: str, **headers: str) -> dict[str, Any]:
    """What the app was told by the proxy of one request."""
    found: dict[str, Any] = browser.get(address, headers=headers).json()
    return found


def test_hostile_app_cannot_act_as_its_visitor(hostile: str, fortress: control.Running) -> None:
    user = backstage(fortress).add("admin")
    headers = {"X-Platform": fortress.url, "X-Visitor": user}
    browser = visitor(fortress, hostile, user)
    seen = browser.get(f"{hostile}act", headers=headers).json()
    assert len(seen) == 36
    assert {how: status for how, status in seen.items() if status < 300} == {}


def test_app_receives_no_cookie_of_the_platform(hostile: str, fortress: control.Running) -> None:
    seen = told(visitor(fortress, hostile), hostile)["told"]
    cookies = seen["HTTP_COOKIE"].split("; ")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"kcIdToken", "kcToken"}
    assert not re.search("de-(session|visit|browser)", json.dumps(seen))


def test_app_is_told_who_comes_by_the_platform_alone(
    hostile: str, fortress: control.Running
) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X_Forwarded_For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "Plotly-User-Data": '{"username": "evil"}',
        "Plotly_User_Data": '{"username": "evil"}',
        "Proxy": "http://evil.example",
    }
    seen = told(visitor(fortress, hostile), hostile, **forged)["told"]
    del seen["HTTP_PROXY"]
    assert "6.6.6.6" not in json.dumps(seen) and "evil" not in json.dumps(seen)


@pytest.mark.parametrize("name", ["plotly_user_data", "x_forwarded_for", "x_forwarded-for"])
def test_header_that_wsgi_takes_for_ours_is_dropped(name: str) -> None:
    """Some servers of apps drop it themselves, others do not."""
    scope = {"headers": [(name.encode(), b"evil"), (b"accept", b"text/html")]}
    passed = request_headers(ServerSettings(Path("/"), 1), scope, "app", "")
    assert "evil" not in passed.values() and passed["accept"] == "text/html"


PLANTED = ["de-visit-{port}", "de-session-{port}", "de-browser-{port}", "kcIdToken", "KCTOKEN"]


@pytest.mark.parametrize("name", [*PLANTED, "__Host-de-visit-1"])
def test_app_cannot_plant_a_cookie_of_ours(
    name: str, hostile: str, fortress: control.Running
) -> None:
    header = {"X-Steal": f"{name.format(port=fortress.port)},own"}
    answer = visitor(fortress, hostile).get(hostile, headers=header)
    assert answer.headers["Set-Cookie"] == f"own=planted; Path=/{name_of(hostile)}/"


@pytest.mark.parametrize("header", sorted(ORIGIN_WIDE))
def test_app_says_nothing_of_the_whole_origin(
    header: str, hostile: str, fortress: control.Running
) -> None:
    browser = visitor(fortress, hostile)
    assert browser.get(hostile, headers={"X-Say": "X-Own: said"}).headers["X-Own"] == "said"
    answer = browser.get(hostile, headers={"X-Say": f"{header}: /"})
    assert answer.status_code == 200 and header not in answer.headers


COOKIES = {
    "a=b": "a=b",
    "a=b; Path=/": "a=b; Path={app}/",
    "a=b; path=/other/; HttpOnly": "a=b; HttpOnly; Path={app}/other/",
    "a=b; Path={app}/own": "a=b; Path={app}/own",
    "a=b; Path={app}-two/": "a=b; Path={app}{app}-two/",
    "a=b; Domain=localhost; Path={app}/; PATH =/": "a=b; Path={app}/",
    "a=b; Path=elsewhere": "a=b",
}


@pytest.mark.parametrize("cookie", COOKIES)
def test_cookie_of_an_app_is_its_own(cookie: str, hostile: str, fortress: control.Running) -> None:
    app = f"/{name_of(hostile)}"
    say = {"X-Say": f"Set-Cookie: {cookie.format(app=app)}"}
    answer = visitor(fortress, hostile).get(hostile, headers=say)
    assert answer.headers["Set-Cookie"] == COOKIES[cookie].format(app=app)


def test_cookie_beside_ours_makes_nobody_of_the_visitor(
    hostile: str, fortress: control.Running
) -> None:
    browser = visitor(fortress, hostile)
    name = f"de-visit-{fortress.port}"
    ours = next(c.value for c in browser.session.cookies if c.name == name)
    for cookies in (f"{name}=planted; {name}={ours}", f"{name}={ours}; {name}=planted"):
        answer = client().get(hostile, headers={"Cookie": cookies}, timeout=BOUND)
        assert answer.status_code == 400


def test_token_of_one_app_is_nothing_to_another(hostile: str, fortress: control.Running) -> None:
    seen = told(visitor(fortress, hostile), hostile)
    cookie = seen["told"]["HTTP_COOKIE"].partition("kcIdToken=")[2].partition(";")[0]
    body = base64.b64decode(cookie).split(b".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    assert claims["aud"] == seen["environment"]["DASH_AUD"] == f"dash-app-{name_of(hostile)}"


def test_app_sees_only_variables_that_are_meant_for_it(
    hostile: str, fortress: control.Running
) -> None:
    names = set(told(visitor(fortress, hostile), hostile)["environment"])
    platform = {
        *("DASH_APP_NAME", "DASH_AUD", "DASH_JWKS_URL", "DASH_LOGOUT_URL", "DASH_USER_INFO_URL"),
        *("DASH_REQUESTS_PATHNAME_PREFIX", "PORT", "GUNICORN_CMD_ARGS", "VIRTUAL_ENV"),
        *("PATH", "HOME", "LANG", "PYTHONUNBUFFERED", "STREAMLIT_SERVER_ADDRESS"),
        "DASH_SANDBOX_PROCESS",
    }
    # The shell and gunicorn add some of their own.
    assert names - platform <= {"PWD", "OLDPWD", "SHLVL", "_", "SERVER_SOFTWARE"}


ELSEWHERE = {
    "another port": {"Origin": "http://localhost:3000"},
    "the platform's host": {"Origin": "http://127.0.0.1:{port}"},
    "another site": {"Origin": "https://evil.example"},
    "script of another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    "picture on another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
}


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_sites_do_not_act_as_the_visitor(
    kind: str, method: str, hostile: str, fortress: control.Running
) -> None:
    headers = {k: v.format(port=fortress.port) for k, v in ELSEWHERE[kind].items()}
    answer = visitor(fortress, hostile).session.request(
        method, hostile, headers=headers, allow_redirects=False, timeout=BOUND
    )
    assert answer.status_code in REFUSED or OPENID in answer.headers["Location"]


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://evil.example"])
def test_socket_of_another_site_is_refused(
    origin: str, hostile: str, fortress: control.Running
) -> None:
    cookies = "; ".join(f"{c.name}={c.value}" for c in visitor(fortress, hostile).session.cookies)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": origin,
        "Cookie": cookies,
    }
    host = f"localhost:{fortress.port}"
    path = f"/{name_of(hostile)}/ws"
    assert talk(fortress, [request("GET", path, host, b"", **upgrade)]).status == 403


def test_page_for_the_refused_gives_no_form_token_away(
    hostile: str, fortress: control.Running
) -> None:
    """Pages on the apps' host can be read by every app's script."""
    browser = visitor(fortress, hostile, backstage(fortress).add("viewer"))
    page = browser.get(f"{browser.apps}/vault/")
    assert page.status_code == 403 and "csrf" not in page.text


@pytest.mark.parametrize("path", ["/-/signed-in", "/-/", "/-", "/_", "/vault/../vault/"])
def test_no_app_takes_the_place_of_sign_in(path: str, fortress: control.Running) -> None:
    genuine(fortress)
    answer = talk(fortress, [request("GET", path, f"localhost:{fortress.port}")])
    assert answer.status in REFUSED or f"{REALM}/protocol" in answer.headers


def test_visitor_who_has_signed_out_is_nobody_to_the_app(
    hostile: str, fortress: control.Running
) -> None:
    browser = visitor(fortress, hostile, backstage(fortress).add("viewer"))
    token = told(browser, hostile)["told"]["HTTP_COOKIE"].rpartition("kcToken=")[2]
    bearer = {"Authorization": f"Bearer {base64.b64decode(token).decode()}"}
    info = fortress.url + f"{OPENID}/userinfo"
    assert client().get(info, headers=bearer, timeout=BOUND).status_code == 200
    browser.submit(browser.get(f"{OPENID}/logout"))
    assert client().get(info, headers=bearer, timeout=BOUND).status_code == 401
    assert "Sign in" in browser.get(hostile).text


LENGTHS = {"declared": {"Content_Length": "5000"}, "chunked": {"Transfer_Encoding": "chunked"}}


@pytest.fixture(scope="module")
def half_ways(hostile: str, fortress: control.Running) -> dict[str, Answer]:
    """What bodies of either kind are answered, sent at once as each takes some seconds."""
    cookies = "; ".join(f"{c.name}={c.value}" for c in visitor(fortress, hostile).session.cookies)

    host, path = f"localhost:{fortress.port}", f"/{name_of(hostile)}/"

    def send(way: str) -> Answer:
        return talk(fortress, [request("POST", path, host, Cookie=cookies, **LENGTHS[way])])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(LENGTHS, pool.map(send, LENGTHS), strict=True))


@pytest.mark.parametrize("way", LENGTHS)
def test_body_to_an_app_that_stops_half_way(
    way: str, half_ways: dict[str, Answer], fortress: control.Running
) -> None:
    # The app may answer what it has not read; the sandbox does not wait for the rest.
    assert half_ways[way].status in {200, 408} and alive(fortress)
