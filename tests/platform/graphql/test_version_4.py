"""The published API of version 4, as it is: what it has works, what it lacks is said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.people import People, Person
from tests.support.version_4 import published, version_4


@pytest.fixture
def old(sandbox: control.Running, people: People, tmp_path: Path) -> Iterator[Person]:
    """Somebody with an API key for a version 4 server."""
    name, home = people["dev"].name, tmp_path / "old"
    home.mkdir()
    with version_4(sandbox.url) as url:
        values = {
            "DASH_ENTERPRISE_USERNAME": name,
            "DASH_ENTERPRISE_API_KEY": backstage(sandbox).key(name),
            "INVOKE_DE_GIT": f"{sandbox.url}/GIT",
            "INVOKE_DE_CACHE": str(home / "cache"),
        }
        yield Person(home, url, values, name=name)


def test_part_1_is_a_schema_of_its_own() -> None:
    types = published().type_map
    assert "Build" not in types and "app" not in types["Query"].fields  # type: ignore[attr-defined]


def test_life_of_an_app(old: Person, people: People, quick: Path) -> None:
    name = quick.name
    assert old.inv("whoami").out == f"Logged in as [{old.name}] to [{old.host}].\n"
    missing = f"App [{name}] does not exist on [{old.host}].\n"
    assert old.inv("apps.exists", "--name", name).out == missing
    assert old.inv("apps.create", "--name", name).code == 0
    assert old.inv("apps.status", "--name", name).out.startswith("This app has not been dep")
    for text in ("one", "two"):
        (quick / "note.txt").write_text(text)
        done = old.inv("deploy", "-y", "--name", name, folder=quick)
        assert done.code == 0, done.err
        assert f"{name} is live" in done.out
    assert old.inv("apps.status", "--name", name).out == "built\n"
    assert "Serving HTTP on" in old.inv("logs", "--name", name).out
    # What there is comes first, and then what the server lacks.
    followed = old.inv("logs", "--follow", "--name", name)
    assert followed.code == 1 and "Serving HTTP on" in followed.out
    assert "has no Query.runtimeLogs: the log of one process, and following" in followed.err
    assert name in old.inv("apps.list").out
    change = ("--title", "Old", "--tag", "t", "--add-viewer", people["viewer"].name)
    update = ("update", "--name", name, *change)
    assert f"title: {name} -> Old" in old.inv(*update).out
    assert old.inv(*update).out == f"Nothing to change: {name} already has these settings.\n"
    attach = ("--app-name", name, "--type", "redis")
    assert old.inv("services.create", *attach).code == 0
    limited = old.inv("services.update", *attach, "--memory", "64Mi")
    assert limited.code == 1 and "which has no Mutation.updateService" in limited.err
    listed = json.loads(old.inv("services.list", "--json").out)
    assert [one["apps"] for one in listed if one["name"] == f"{name}-redis"] == [[name]]
    assert old.inv("services.delete", *attach, "-y").code == 0
    assert old.inv("apps.delete", "--name", name).code == 0


def test_broken_first_deploy_fails(old: Person, quick: Path) -> None:
    (quick / "Procfile").rename(quick / "note")
    done = old.inv("deploy", "-y", "--no-check", folder=quick)
    assert done.code == 3 and "There is no Procfile" in done.err


def test_preview_of_a_branch(old: Person, people: People, page: Path) -> None:
    name = page.name
    assert people["admin"].run(f"apps create --name {name}").code == 0
    assert people["admin"].run(f"apps update --name {name} --add-co-owner {old.name}").code == 0
    done = old.inv("preview.deploy", "-y", "--name", name, "--branch", "x", folder=page)
    assert done.code == 0, done.err
    assert f"Not as {name}: co-owners" in done.err and f"the preview of x, like {name}" in done.err
    (preview,) = json.loads(old.inv("preview.list", "--name", name, "--json").out)
    assert (preview["branch"], preview["build"]) == ("x", "built")
    refused = old.inv("preview.delete", "-y", "--name", name, "--branch", "x", folder=page)
    assert refused.code == 1 and f"inv apps.delete --name {preview['name']}" in refused.err
    assert old.inv("apps.delete", "-y", "--name", preview["name"]).code == 0


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("restart", "Mutation.restartApp"),
        ("cancel", "Mutation.cancelBuild"),
        ("history", "Query.builds"),
        ("update --add-co-owner dev", "Mutation.addCoOwners"),
        ("update --remove-co-owner dev", "Mutation.addCoOwners"),
        ("update --no-persistent-filesystem -y", "Mutation.setPersistentFilesystem"),
        ("update --python-version 3.11", "Mutation.setPython"),
        ("apps.transfer --username dev -y", "Mutation.transferApp"),
    ],
)
def test_what_it_lacks_is_named(line: str, field: str, old: Person, quick: Path) -> None:
    assert old.inv("apps.create", "--name", quick.name).code == 0
    command, *options = line.split()
    done = old.inv(command, "--name", quick.name, *options)
    assert done.code == 1
    assert done.err.startswith(f"{old.host} offers the published version 4 API alone, which")
    assert field in done.err


def test_who_may_see_an_app_is_told_but_for_its_co_owners(
    old: Person, people: People, quick: Path
) -> None:
    name, viewer = quick.name, people["viewer"].name
    assert old.inv("apps.create", "--name", name).code == 0
    assert old.inv("update", "--name", name, "--add-viewer", viewer).code == 0
    listed = json.loads(old.inv("access.list", "--json").out)
    (found,) = [one for one in listed if one["app"] == name]
    assert (found["owner"], found["viewers"]["users"]) == (old.name, [viewer])
    assert found["co_owners"] is None
    ways = json.loads(old.inv("access.user", "--username", viewer, "--json").out)
    assert name in [way["app"] for way in ways]


def test_doctor_lists_what_it_lacks(old: Person) -> None:
    findings = json.loads(old.inv("doctor", "--json").out)["findings"]
    lacks = [f["seen"] for f in findings if f["what"] == "api" and not f["good"]]
    assert any("Cannot query field 'restartApp' on type 'Mutation'" in line for line in lacks)


def test_sandbox_with_a_key_is_no_version_4(
    old: Person, sandbox: control.Running, quick: Path
) -> None:
    new = replace(old, host=sandbox.url)
    assert new.inv("apps.create", "--name", quick.name).code == 0
    assert new.inv("history", "--name", quick.name).code == 0
