"""Attacks on the platform API: floods by depth, aliases, fragments and batches, and nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.attacker import LIMITS, REFUSED, ask, bearer, bounded, genuine
from tests.support.waiting import BOUND


@pytest.fixture
def fortress(lone_fortress: control.Running) -> control.Running:
    return lone_fortress


def spreads(levels: int) -> str:
    """Fragments that each contain the next one twice."""
    parts = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)]
    last = f"fragment f{levels} on Query {{ current {{ username }} }}"
    return "{ ...f0 } " + " ".join([*parts, last])


def many(count: int, field: str) -> str:
    return " ".join(f"a{n}: {field}" for n in range(count))


FLOODS = {
    "deep": "{ " + "a { " * 1500 + "b" + " }" * 1501,
    "deep but known": "{ __schema { types { " + "fields { type { " * 40 + "name" + " }" * 83,
    "inline fragments": "{ " + "... { " * 700 + "x" + " }" * 701,
    "fragments twice": spreads(10),
    "fragments twice, long": spreads(200),
    "fragment of itself": "{ ...a } fragment a on Query { ...a current { username } }",
    "fragments in a ring": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    "aliases": "{ apps { apps { " + many(500, "analytics { resources { cpuUsage } }") + " } } }",
    "one field": "{ apps { apps { " + "name " * 900 + "} } }",
    "root fields": "{ " + many(1200, "current { username }") + " }",
    "directives": "{ current" + " @include(if: true)" * 1000 + " { username } }",
    "unknown fields": "{ " + " ".join(f"f{n}" for n in range(900)) + " }",
    "variables": "query (" + " ".join(f"$v{n}: Int" for n in range(1500)) + ") { __typename }",
    "operations": " ".join(f"query q{n} {{ __typename }}" for n in range(1200)),
    "a long name": "{ " + "a" * 90_000 + " }",
    "a long text": '{ app(name: "' + "a" * 200_000 + '") { name } }',
    "commas": "{" + "," * 200_000 + "__typename }",
    "open": "{" * 50_000,
    "list": "{ app(name: " + "[" * 20_000 + "}",
}


@pytest.mark.parametrize("kind", FLOODS)
def test_document_that_asks_for_too_much(kind: str, fortress: control.Running) -> None:
    with bounded(fortress):
        answer = ask(fortress, FLOODS[kind], bearer(fortress))
    assert answer.status_code in REFUSED, answer.text[:300]
    assert len(answer.content) < 200_000


BODIES: dict[str, Any] = {
    "batch": [{"query": "{ __typename }"}] * 1000,
    "empty batch": [],
    "number": 5,
    "nothing": None,
    "no query": {"variables": {}},
    "query is a list": {"query": ["{ __typename }"]},
    "query is nothing": {"query": None},
    "variables are a list": {"query": "{ __typename }", "variables": [1]},
    "variables are text": {"query": "{ __typename }", "variables": "x"},
    "operation is a number": {"query": "{ __typename }", "operationName": 5},
    "operation is not there": {"query": "query a { __typename }", "operationName": "b"},
    "two and none named": {"query": "query a { __typename } query b { __typename }"},
    "subscription": {"query": "subscription { x }"},
    "only a fragment": {"query": "fragment a on Query { __typename }"},
}


def send(running: control.Running, data: bytes, kind: str = "application/json") -> int:
    headers = {"Authorization": bearer(running), "Content-Type": kind}
    url = f"{running.url}/Manager/graphql"
    return client().post(url, data, headers=headers, timeout=BOUND).status_code


@pytest.mark.parametrize("kind", BODIES)
def test_body_that_is_no_request(kind: str, fortress: control.Running) -> None:
    assert send(fortress, json.dumps(BODIES[kind]).encode()) in REFUSED


TEXTS = {
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"query":' * 20_000,
    "nested variables": b'{"query":"{__typename}","variables":{"a":' + b"[" * 50_000,
    "no text": b"\xff\xfe\x00",
    "no number": b'{"query":"{__typename}","variables":NaN}',
    "digits": b'{"query":' + b"9" * 500_000 + b"}",
    "empty": b"",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_body_that_is_no_json(kind: str, fortress: control.Running) -> None:
    with bounded(fortress):
        assert send(fortress, TEXTS[kind]) in REFUSED


UPLOAD = 'mutation ($f: Upload!) { uploadAppThumbnail(appname: "vault", thumbnail: $f) { error } }'
MAPS = {
    "no path": {"0": ["nothing.at.all"]},
    "into an object": {"0": ["variables.f.__class__"]},
    "query": {"0": ["query"]},
    "no list": {"0": "variables.f"},
    "no file": {"1": ["variables.f"]},
    "index": {"0": ["variables.99999999999"]},
    "no object": ["variables.f"],
    "empty": {},
}


@pytest.mark.parametrize("kind", MAPS)
def test_upload_that_goes_astray(kind: str, fortress: control.Running) -> None:
    operations = json.dumps({"query": UPLOAD, "variables": {"f": None}})
    answer = client().post(
        f"{fortress.url}/Manager/graphql",
        data={"operations": operations, "map": json.dumps(MAPS[kind])},
        files={"0": ("x.png", b"x")},
        headers={"Authorization": f"Bearer {genuine(fortress)}"},
        timeout=BOUND,
    )
    assert answer.status_code in REFUSED or answer.json().get("errors"), answer.text


@pytest.mark.parametrize("value", ['"x"', "1", "$f"])
def test_upload_that_is_no_file(value: str, fortress: control.Running) -> None:
    genuine(fortress)
    query = (
        UPLOAD if value == "$f" else f"mutation {UPLOAD[UPLOAD.index('{') :]}".replace("$f", value)
    )
    answer = ask(fortress, query, bearer(fortress), f="x").json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "A file is sent as a part" in answer["errors"][0]["message"]


@pytest.mark.parametrize("files", [11, 300])
def test_upload_of_many_files(files: int, fortress: control.Running) -> None:
    parts = {str(n): (f"{n}.png", b"x" * 1000) for n in range(files)}
    answer = client().post(
        f"{fortress.url}/Manager/graphql",
        data={"operations": json.dumps({"query": UPLOAD}), "map": "{}"},
        files=parts,
        headers={"Authorization": f"Bearer {genuine(fortress)}"},
        timeout=BOUND,
    )
    assert answer.status_code in REFUSED


def test_fragments_at_the_root_are_paid_for(fortress: control.Running) -> None:
    """A flood hidden in one fragment costs as much as one that is not."""
    fields = many(300, "current { username }")
    hidden = f"{{ ...f }} fragment f on Query {{ {fields} }}"
    answer = ask(fortress, hidden, bearer(fortress, "viewer"))
    assert int(answer.headers["RateLimit-Remaining"]) == int(LIMITS["rate_limit_points"]) - 300


def test_flood_of_requests_is_out_of_points(fortress: control.Running) -> None:
    header = bearer(fortress, "viewer")
    document = "{ " + many(480, "current { username }") + " }"
    seen = [ask(fortress, document, header) for _ in range(11)]
    assert [answer.status_code for answer in seen] == 10 * [200] + [429]
    assert int(seen[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize("after", ["-1", "x", "\u00b2", "9" * 5000, "1 OR 1=1"])
def test_cursor_that_is_none(after: str, fortress: control.Running) -> None:
    query = 'query ($a: String) { runtimeLogs(appname: "vault", after: $a) { next } }'
    answer = ask(fortress, query, f"Bearer {genuine(fortress)}", a=after)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_introspection_is_not_too_much(fortress: control.Running) -> None:
    from graphql import get_introspection_query

    answer = ask(fortress, get_introspection_query(), bearer(fortress))
    assert answer.status_code == 200 and "errors" not in answer.json()
