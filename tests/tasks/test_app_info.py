"""`apps.info` and `apps.users`."""

from __future__ import annotations

import json
import secrets

import pytest

from tests.support.people import People, Person


@pytest.fixture
def app(dev: Person) -> str:
    name = f"info-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    return name


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_info_has_state_and_general_data(dev: Person, app: str, program: str) -> None:
    options = "--tag red --portal-rank 3 --visible-on-portal --view-access authenticated"
    assert dev.run(f"apps update -n {app} --description Sales {options}").code == 0
    seen = dev.run(f"apps info -n {app}", program=program)
    for line in ("access     authenticated", "tags       red", "portal     shown, rank 3"):
        assert f"  {line}\n" in seen.out, seen
    assert "build      none" in seen.out and "about      Sales" in seen.out
    found = json.loads(dev.run(f"apps info -n {app} --json").out)
    assert (found["tags"], found["portal_rank"], found["build"]) == (["red"], 3, None)


def test_users_are_listed_by_relation(dev: Person, people: People, app: str) -> None:
    group = f"group-{secrets.token_hex(3)}"
    people.add("in-group", groups=[group])
    viewer, other = people["viewer"].name, people.add("other").name
    options = f"--add-viewer {viewer} --add-group-viewer {group} --add-co-owner {other}"
    assert dev.run(f"apps update -n {app} {options} --view-access restricted").code == 0
    rows = [line.split() for line in dev.run(f"apps users -n {app}").out.splitlines()[1:]]
    assert rows == [
        ["owner", "user", dev.name],
        ["co-owner", "user", other],
        ["viewer", "user", viewer],
        ["viewer", "group", group],
    ]
    found = json.loads(dev.run(f"apps users -n {app} --json").out)
    assert found["viewers"] == {"users": [viewer], "groups": [group]}
