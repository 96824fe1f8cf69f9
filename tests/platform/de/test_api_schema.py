"""What the API of version 5 says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net.http import Transport
from de_tasks.platform.de import api_schema
from tests.support.canned import serving
from tests.support.people import Person
from tests.support.vendor import with_tokens

SECRET = "canary-5512"
TEXT = {"kind": "NON_NULL", "name": None, "ofType": {"kind": "SCALAR", "name": "String"}}


def schema(*fields: str) -> dict[str, Any]:
    """A schema whose app has these fields, with what is nobody's business beside the names."""
    made = [{"name": name, "type": TEXT, "args": [], "description": SECRET} for name in fields]
    roots = [{"kind": "OBJECT", "name": "Query", "fields": made}]
    types = [*roots, {"kind": "OBJECT", "name": "App", "fields": made, "description": SECRET}]
    return {"data": {"__schema": {"queryType": {"name": "Query"}, "types": types}}}


def test_doctor_names_known_shapes_and_saves_names_alone(dev: Person, tmp_path: Path) -> None:
    one, file = with_tokens(dev), tmp_path / "schema.json"
    with serving((), graphql=(200, schema("apps", "slug", "title"))) as canned:
        one.environment["INVOKE_DE_API"] = f"{canned.url}/graphql"
        done = one.inv("doctor", "--schema", str(file))
    assert "has 3 of 11 known shapes, and not Query.app, Mutation.createOneApp" in done.out
    assert [name for name, _ in canned.asked] == ["graphql"]
    saved = json.loads(file.read_text())
    assert saved["types"]["App"]["fields"]["slug"] == {"type": "String!", "args": {}}
    assert SECRET not in file.read_text() and dev.name not in file.read_text()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"data": None}),
        (200, {"errors": []}),
        (401, {"message": "no"}),
        (200, "<html>"),
        (200, schema("a field\x1b[2J")),
        (200, {"data": {"__schema": {"queryType": {"name": "Q"}, "types": [{"name": 7}]}}}),
    ],
    ids=["nothing", "errors", "refused", "page", "no name", "a number"],
)
def test_api_that_does_not_tell_is_an_error(answer: tuple[int, object]) -> None:
    with serving((), graphql=answer) as canned, pytest.raises(DeTasksError):
        api_schema.ask(f"{canned.url}/graphql", "Bearer x", Transport())


def test_redirect_is_not_followed_with_the_token() -> None:
    with serving((), graphql=(200, schema("apps"))) as other, serving((), graphql=(302, {})) as api:
        api.headers["Location"] = f"{other.url}/graphql"
        with pytest.raises(DeTasksError):
            api_schema.ask(f"{api.url}/graphql", "Bearer x", Transport())
    assert api.asked and not other.asked


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with serving((), graphql=(200, schema("apps"))) as canned:
        found = api_schema.ask(f"{canned.url}/graphql", "Bearer x", Transport())
    with pytest.raises(UsageError, match=f"^{tmp_path} cannot be written: Is a directory"):
        found.save(tmp_path)
