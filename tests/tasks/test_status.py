"""What `status` and `apps list` say of an app: each of its processes, and what serves."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.apps import SERVER, app_folder
from tests.support.backstage import backstage
from tests.support.browser import Browser
from tests.support.people import Person
from tests.support.version_4 import before_standing, version_4


@pytest.fixture
def crashing(dev: Person, tmp_path: Path) -> Path:
    """The folder of an app whose worker always ends, deployed once; its second build has failed."""
    folder = app_folder(tmp_path, "crashing", Procfile=f"{SERVER}worker: exit 3\n")
    done = dev.inv("deploy", "-y", folder=folder)
    assert done.code == 0, done.err
    assert "worker has already ended: exited with status 3. Its log: " in done.err
    return folder


def test_crash_loop_and_what_serves_are_shown(
    crashing: Path, dev: Person, sandbox: control.Running
) -> None:
    (crashing / "Procfile").write_text("web: exit 4\n")
    assert dev.inv("deploy", "-y", "--no-check", folder=crashing).code == 3
    facts = json.loads(dev.inv("status", "--json", folder=crashing).out)
    web, worker = facts["states"]
    assert (web["state"], web["restarts"], web["last_exit"]) == ("running", 0, None)
    assert (worker["state"], worker["last_exit"]) == ("crashing", "exited with status 3")
    assert facts["processes"] == ["web", "worker"] and facts["build"] == "failed"
    assert datetime.fromisoformat(web["since"]).tzinfo is not None
    serving = facts["serving"]["number"]
    assert facts["build_number"] > serving
    shown = dev.inv("status", folder=crashing).out
    assert f"  serves     {serving}: " in shown and "web running; worker crashing (" in shown
    (row,) = [line for line in dev.inv("apps.list").out.splitlines() if crashing.name in line]
    assert f"failed; serves build {serving}" in row
    assert dev.inv("apps.status", "--name", crashing.name).out == "failed\n"
    page = Browser(sandbox).be(dev.name).get(f"{sandbox.url}/apps/{crashing.name}").text
    assert '<span class="badge failed">crashing</span>' in page


def test_server_that_does_not_tell_is_asked_for_less(
    dev: Person, sandbox: control.Running, quick: Path
) -> None:
    assert dev.inv("create", folder=quick).code == 0
    with version_4(sandbox.url, before_standing()) as url:
        values = {
            "DASH_ENTERPRISE_USERNAME": dev.name,
            "DASH_ENTERPRISE_API_KEY": backstage(sandbox).key(dev.name),
        }
        other = Person(dev.home, url, values, name=dev.name)
        facts = json.loads(other.inv("status", "--json", folder=quick).out)
        assert facts["name"] == quick.name and facts["states"] == [] and facts["serving"] is None
        assert quick.name in other.inv("apps.list").out


def test_app_that_does_not_exist_names_the_next_commands(dev: Person) -> None:
    for command in ("status", "logs", "variables.list"):
        done = dev.inv(command, "--name", "nothing")
        assert done.code == 5 and "Deploy it: inv deploy --name nothing\n" in done.err
        assert done.err.endswith("Your apps: inv apps.list\n")
    assert "Your apps: inv apps.list" in dev.inv("restart", "--name", "nothing").err


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_stray_word_is_proposed_as_the_option_it_is_meant_for(dev: Person, program: str) -> None:
    assert "Did you mean --name sales?" in dev.run("status sales", program=program).err
