"""A setting reaches a task however the task is reached, and `doctor` says from where."""

from __future__ import annotations

import json
from pathlib import Path

import invoke
import pytest
from invoke.exceptions import UncastableEnvVar

from de_tasks import doctor
from de_tasks.githooks import runner
from tests.support.people import Done, Person
from tests.support.places import ROOT

FILES = {
    "full collection": ("from de_tasks import ns\n", "doctor"),
    "one task": (
        "import de_tasks\nfrom invoke import Collection\nns = Collection(de_tasks.doctor)\n",
        "doctor",
    ),
    "renamed collection": (
        "import de_tasks\nfrom invoke import Collection\n"
        "ns = Collection()\nns.add_collection(de_tasks.ns, name='de')\n",
        "de.doctor",
    ),
}
WAYS = [*FILES, "program", "hook"]


def as_hook() -> int:
    """Look at the settings as a git hook has them."""
    doctor(invoke.Context(runner.configuration("")), json=True)
    return 0


def asked(person: Person, way: str, *before: str, folder: Path | None = None) -> Done:
    """Run the doctor in one of the ways."""
    if way == "hook":
        return person.call(as_hook, folder=folder)
    if way == "program":
        return person.run([*before, "doctor", "--json"], folder=folder)
    text, task = FILES[way]
    (person.home / "tasks.py").write_text(text)
    return person.inv(task, "--json")


def seen(
    person: Person, way: str, *before: str, folder: Path | None = None
) -> dict[str, list[object]]:
    """Each setting with where it comes from."""
    found = json.loads(asked(person, way, *before, folder=folder).out)["settings"]
    return {name: [item["value"], item["from"]] for name, item in found.items()}


@pytest.mark.parametrize("way", WAYS)
def test_settings_reach_a_task(way: str, dev: Person) -> None:
    (dev.home / "invoke.yaml").write_text("de:\n  app: from-file\n  timeout: 5\n  branch: main\n")
    dev.environment |= {"INVOKE_DE_TIMEOUT": "7", "INVOKE_DE_BRANCH": "trunk"}
    found = seen(dev, way)
    assert found["app"] == ["from-file", "de.app"]
    assert found["timeout"] == [7, "INVOKE_DE_TIMEOUT"]
    assert found["branch"] == ["trunk", "INVOKE_DE_BRANCH"]
    assert found["host"] == [dev.host, "DASH_ENTERPRISE_HOST"]
    assert found["path"] == [".", "the default"]


@pytest.fixture
def listed(dev: Person) -> Person:
    """Somebody with a list in the file, and a variable in its place."""
    (dev.home / "invoke.yaml").write_text("de:\n  check:\n    ignore: [no-web]\n")
    dev.environment["INVOKE_DE_CHECK_IGNORE"] = "env-file,large-file"
    return dev


@pytest.mark.parametrize("way", ["program", "hook"])
def test_variable_goes_before_a_list_in_the_file(way: str, listed: Person) -> None:
    found = seen(listed, way)["check_ignore"]
    assert found == [["env-file", "large-file"], "INVOKE_DE_CHECK_IGNORE"]


@pytest.mark.parametrize("way", FILES)
def test_inv_itself_refuses_such_a_variable_as_documented(way: str, listed: Person) -> None:
    words = "Can't adapt an environment string into a"
    with pytest.raises(UncastableEnvVar, match=words):
        asked(listed, way)
    assert words in (ROOT / "docs" / "settings.md").read_text()


@pytest.mark.parametrize("way", ["program", "hook"])
def test_nearest_file_is_found(way: str, dev: Person) -> None:
    (dev.home / "invoke.yaml").write_text("de:\n  app: from-above\n")
    below = dev.home / "a" / "b"
    below.mkdir(parents=True)
    assert seen(dev, way, folder=below)["app"] == ["from-above", "de.app"]


def test_core_options_rank_as_flags(dev: Person) -> None:
    found = seen(dev, "program", "--host", "example.plotly.host", "--ca-path=/ca.pem")
    assert found["host"] == ["example.plotly.host", "the command line"]
    assert found["ca_path"] == ["/ca.pem", "the command line"]


def test_configured_collection(dev: Person) -> None:
    (dev.home / "tasks.py").write_text(
        "from de_tasks import ns\nns.configure({'de': {'app': 'from-code'}})\n"
    )
    # In a process of its own: what it configures is the collection of all.
    done = dev.spawn("doctor", "--json")
    assert json.loads(done.out)["settings"]["app"] == {"value": "from-code", "from": "de.app"}


def test_password_is_masked(dev: Person) -> None:
    dev.environment["DASH_ENTERPRISE_PASSWORD"] = "canary-7391"
    done = dev.inv("doctor")
    assert "canary-7391" not in done.out + done.err
    assert "****" in done.out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("timeout: soon", "de.timeout should be a whole number"),
        ("hots: x", "no setting de.hots"),
        ("check: {ignore: 5}", "should be a list, not 5."),
        ("branches: 5", "de.branches should be a mapping of names to values, not 5."),
    ],
)
def test_bad_setting_is_named(line: str, words: str, dev: Person) -> None:
    (dev.home / "invoke.yaml").write_text(f"de:\n  {line}\n")
    done = dev.inv("whoami")
    assert done.code == 2 and words in done.err


def test_doctor_finds_what_is_wrong(nobody: Person) -> None:
    done = nobody.inv("doctor")
    assert done.code == 1
    assert "BAD  login: You are not logged in" in done.out


def test_doctor_finds_all_in_order(dev: Person) -> None:
    done = dev.inv("doctor")
    assert done.code == 0 and "understands all" in done.out


def test_setting_may_stand_in_a_section(dev: Person) -> None:
    (dev.home / "invoke.yaml").write_text("de:\n  sandbox:\n    port: 9999\n")
    assert seen(dev, "full collection")["sandbox_port"] == [9999, "de.sandbox.port"]
