"""What `doctor` finds."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from unittest.mock import Mock

import pytest

from de_tasks.errors import NotPermitted
from de_tasks.platform import diagnosis
from de_tasks.platform.diagnosis import Diagnosis
from de_tasks.platform.models import Changes
from tests.support.canned import serving
from tests.support.people import Person
from tests.support.vendor import with_tokens


def test_client_alone_says_how_to_have_the_api_compared(
    dev: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "graphql", None)
    done = dev.inv("doctor", "--json")
    seen = [f["seen"] for f in json.loads(done.out)["findings"] if f["what"] == "api"]
    assert done.code == 0 and len(seen) == 1 and "pip install graphql-core" in seen[0]


def test_every_change_is_compared_but_what_only_de_is_told() -> None:
    nothing, every = asdict(Changes()), asdict(diagnosis.EVERYTHING)
    assert [name for name in every if every[name] == nothing[name]] == ["add_tags", "remove_tags"]


def test_machine_without_git_and_with_a_file_in_the_caches_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    _, git, found = diagnosis.machine(cache)
    assert git == Diagnosis("git", False, "git is not installed, and deploying needs it.")
    assert found == Diagnosis("cache", False, f"{cache} cannot be written: File exists.")


def test_server_that_does_not_describe_its_api_is_named() -> None:
    client = Mock(execute=Mock(side_effect=NotPermitted("Introspection is off.")))
    said = "The server does not say what its API offers: Introspection is off."
    assert list(diagnosis.server(client)) == [Diagnosis("api", False, said)]


@pytest.mark.parametrize("saved", [False, True])
def test_api_of_5_that_does_not_answer_is_a_fault_where_it_is_to_be_saved(
    dev: Person, tmp_path: Path, saved: bool
) -> None:
    one, file = with_tokens(dev), tmp_path / "schema.json"
    with serving((), graphql=(403, {"message": "no"})) as canned:
        one.environment["INVOKE_DE_API"] = f"{canned.url}/graphql"
        done = one.inv("doctor", "--json", *(["--schema", str(file)] if saved else []))
    (found,) = [f for f in json.loads(done.out)["findings"] if f["what"] == "api of 5"]
    assert found["good"] is not saved and not file.exists()
    why = "it does not tell its schema (status 403)"
    assert found["seen"] == f"{canned.url}/graphql was asked for its schema: {why}"
