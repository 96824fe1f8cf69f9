"""Attacks by names: paths that lead out, names of apps that are none, pictures that are none."""

from __future__ import annotations

import json

import pytest

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.attacker import REFUSED, ask, bearer, genuine, request, talk
from tests.support.browser import Browser
from tests.support.waiting import BOUND

PATHS = [
    "/GIT/../../etc/passwd/info/refs",
    "/GIT/%2e%2e%2f%2e%2e%2fetc/info/refs",
    "/GIT/..%2f..%2fetc%2fpasswd",
    "/GIT/vault/../vault/info/refs?service=git-upload-pack",
    "/GIT/vault/HEAD",
    "/GIT/vault/config",
    "/GIT/vault/objects/info/packs",
    "/GIT/vault/objects/../../../passwords.json",
    "/GIT/1.git/info/refs",
    "/GIT//info/refs",
    "/GIT/vault%00/info/refs",
    "/GIT/vault%0a/info/refs",
    "/GIT/vault/info/refs%3fservice=git-upload-pack%26x",
    "/thumbnails/../passwords.json",
    "/thumbnails/..%2f..%2fpasswords.json",
    "/thumbnails/%2e%2e",
    "/thumbnails/vault%00.png",
    "/thumbnails/%2fetc%2fpasswd",
    "/passwords.json",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..;/passwords.json",
    "/auth/realms/dash/../../../passwords.json",
    "/auth/realms/master/protocol/openid-connect/token",
    "/sandbox/../sandbox.sqlite3",
    "//etc/passwd",
    "/%ff%fe",
    "/" + "a/" * 3000,
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_path_that_leads_out(host: str, path: str, fortress: control.Running) -> None:
    # There is an app of that name, and the attacker here is its owner.
    header = f"Bearer {genuine(fortress)}"
    answer = talk(fortress, [request("GET", path, f"{host}:{fortress.port}", Authorization=header)])
    assert answer.status in REFUSED, answer
    assert "root:" not in answer.body and '"admin":' not in answer.body


NAMES = [
    *("..", "../x", "a/b", "a\\b", "a\0", "a\n", "-a", "A", "\xe4", "a b", "", "a" * 31),
    *("GIT", "auth", "static", "sandbox", "%2e%2e", "a.git", "a'--"),
]


@pytest.mark.parametrize("name", NAMES)
def test_app_name_that_is_none(name: str, fortress: control.Running) -> None:
    query = "mutation ($n: String) { addApp(name: $n) { app { name } error } }"
    answer = ask(fortress, query, bearer(fortress), n=name).json()
    assert answer["data"]["addApp"]["app"] is None and answer["data"]["addApp"]["error"]


THUMBNAILS = {
    "no picture": b"<svg onload=alert(1)>",
    "page": b"<html><script>",
    "too large": b"\x89PNG\r\n\x1a\n" + b"0" * 200_000,
    "empty": b"",
}


@pytest.mark.parametrize("kind", THUMBNAILS)
def test_thumbnail_that_is_none(kind: str, fortress: control.Running) -> None:
    query = (
        'mutation ($f: Upload!) { uploadAppThumbnail(appname: "vault", thumbnail: $f)'
        " { error app { name } } }"
    )
    answer = (
        client()
        .post(
            f"{fortress.url}/Manager/graphql",
            data={
                "operations": json.dumps({"query": query, "variables": {"f": None}}),
                "map": json.dumps({"0": ["variables.f"]}),
            },
            files={"0": ("../../x.png", THUMBNAILS[kind])},
            headers={"Authorization": f"Bearer {genuine(fortress)}"},
            timeout=BOUND,
        )
        .json()
    )
    assert answer["data"]["uploadAppThumbnail"]["error"]
    assert Browser(fortress).get("/thumbnails/vault").status_code == 404


TARGETS = ["/vault%2Fx", "/vault%2f", "/vault%2fx/y", "/vault%5cx", "/%2fvault/", "*", "x/y"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_target_that_names_no_app(host: str, target: str, fortress: control.Running) -> None:
    genuine(fortress)
    answer = talk(fortress, [request("GET", target, f"{host}:{fortress.port}")])
    assert answer.status in REFUSED, answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_target_with_a_host_of_its_own(host: str, fortress: control.Running) -> None:
    target = f"http://localhost:{fortress.port}/vault%2Fx"
    answer = talk(fortress, [request("GET", target, f"{host}:{fortress.port}")])
    assert answer.status in REFUSED, answer
