"""The published API of version 4, as it is: what it has works, what it lacks is said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.conftest import Cli
from tests.support.version_4 import published, version_4


@pytest.fixture
def old(stranger: Cli, cli: Cli, sandbox: control.Running) -> Iterator[Cli]:
    """`inv` with an API key for a version 4 server."""
    key = cli.run("sandbox.api-key", "--data", str(sandbox.data)).stdout.strip()
    with version_4(sandbox.url) as url:
        stranger.host = url
        stranger.extra |= {
            "DASH_ENTERPRISE_USERNAME": "dev",
            "DASH_ENTERPRISE_API_KEY": key,
            "INVOKE_DE_GIT": f"{sandbox.url}/GIT",
            "INVOKE_DE_CACHE": str(stranger.home / "cache"),
        }
        yield stranger


def test_part_1_is_a_schema_of_its_own() -> None:
    types = published().type_map
    assert "Build" not in types and "app" not in types["Query"].fields  # type: ignore[attr-defined]


def test_life_of_an_app(old: Cli, wsgi: Path) -> None:
    name = "version-4-life"
    assert old.run("whoami").stdout == f"Logged in as [dev] to [{old.host}].\n"
    missing = f"App [{name}] does not exist on [{old.host}].\n"
    assert old.run("apps.exists", "--name", name).stdout == missing
    assert old.run("apps.create", "--name", name).returncode == 0
    assert old.run("apps.status", "--name", name).stdout.startswith("This app has not been dep")
    for text in ("one", "two"):
        (wsgi / "note.txt").write_text(text)
        done = old.run("deploy", "-y", "--name", name, folder=wsgi)
        assert done.returncode == 0, done.stderr
        assert f"{name} is live" in done.stdout
    assert old.run("apps.status", "--name", name).stdout == "built\n"
    assert "Listening at" in old.run("logs", "--name", name).stdout
    assert name in old.run("apps.list").stdout
    update = ("update", "--name", name, "--title", "Old", "--add-viewer", "viewer", "--tag", "t")
    assert "title: version-4-life -> Old" in old.run(*update).stdout
    assert old.run(*update).stdout == f"Nothing to change: {name} is so already.\n"
    attach = ("--app-name", name, "--type", "redis")
    assert old.run("services.create", *attach).returncode == 0
    assert old.run("services.delete", *attach, "-y").returncode == 0
    assert old.run("delete", "--name", name).returncode == 0


def test_broken_first_deploy_fails(old: Cli, wsgi: Path) -> None:
    (wsgi / "Procfile").unlink()
    done = old.run("deploy", "-y", "--name", "version-4-broken", folder=wsgi)
    assert done.returncode == 3 and "There is no Procfile" in done.stderr


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("restart", "--name", "version-4"), "Mutation.restartApp"),
        (("history", "--name", "version-4"), "Query.builds"),
        (("update", "--name", "version-4", "--add-co-owner", "dev"), "Mutation.addCoOwners"),
        (("update", "--name", "version-4", "--remove-co-owner", "dev"), "Mutation.addCoOwners"),
        (
            ("update", "--name", "version-4", "--no-persistent-filesystem", "-y"),
            "Mutation.setPersistentFilesystem",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[3:4]) or value[0],
)
def test_what_it_lacks_is_named(words: tuple[str, ...], field: str, old: Cli) -> None:
    old.run("apps.create", "--name", "version-4")
    done = old.run(*words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{old.host} offers the published version 4 API alone, which")
    assert field in done.stderr


def test_doctor_lists_what_it_lacks(old: Cli) -> None:
    findings = json.loads(old.run("doctor", "--json").stdout)["findings"]
    lacks = [f["seen"] for f in findings if f["what"] == "api" and not f["good"]]
    assert any("Cannot query field 'restartApp' on type 'Mutation'" in line for line in lacks)


def test_sandbox_with_a_key_is_no_version_4(old: Cli, sandbox: control.Running) -> None:
    old.host = sandbox.url
    old.run("apps.create", "--name", "keyed")
    assert old.run("history", "--name", "keyed").returncode == 0
