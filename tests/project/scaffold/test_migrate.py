"""Version 4's files as version 5 reads them; nothing is deleted or overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from de_tasks.project.scaffold import migrate
from tests.support.people import Person

SCRIPTS = {"predeploy": "bash ./before.sh", "postdeploy": "flask x && flask y"}


def test_migrate_writes_what_it_can(nobody: Person, tmp_path: Path) -> None:
    (tmp_path / "app.json").write_text(json.dumps({"scripts": {"dokku": SCRIPTS}}))
    (tmp_path / "apt-packages").write_bytes(b"curl\r\n")
    (tmp_path / "runtime.txt").write_text("python-3.9.1")
    done = nobody.inv("init", "--migrate", folder=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "project.toml").read_text() == '[scripts]\npredeploy = "before.sh"\n'
    assert (tmp_path / "Aptfile").read_bytes() == b"curl\n"
    assert "inv update --python-version 3.9" in done.err and "flask x && flask y" in done.err
    (tmp_path / "Aptfile").write_text("mine\n")
    assert "stays as it is" in nobody.inv("init", "--migrate", folder=tmp_path).err
    dry = nobody.inv("init", "--migrate", "--dry-run", folder=tmp_path)
    assert "Nothing was written: this was a dry run." in dry.err
    assert (tmp_path / "Aptfile").read_text() == "mine\n" and (tmp_path / "app.json").exists()


def test_script_that_is_empty_is_none(tmp_path: Path) -> None:
    scripts = {"predeploy": " ", "postdeploy": 5}
    (tmp_path / "app.json").write_text(json.dumps({"scripts": {"dokku": scripts}}))
    assert migrate.migrate(tmp_path) == ((), ())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("app.json", "{", "app.json stays to be done by hand: app.json is not JSON: "),
        ("app.json", '{"healthchecks": {}}', "version 5 documents no health checks of an app's"),
        (
            "apt-packages",
            "curl;\n",
            "apt-packages stays to be done by hand: 'curl;' is not the name of a package.",
        ),
    ],
)
def test_what_cannot_be_migrated_is_left_to_the_user(
    name: str, text: str, words: str, nobody: Person, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    done = nobody.inv("init", "--migrate", folder=tmp_path)
    assert done.code == 0 and words in done.err, done.err
    assert not (tmp_path / "project.toml").exists() and not (tmp_path / "Aptfile").exists()
