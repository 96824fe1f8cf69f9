"""Version 4's files as version 5 reads them; nothing is deleted or overwritten."""

from __future__ import annotations

import json
from pathlib import Path

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
    assert (tmp_path / "Aptfile").read_text() == "mine\n" and (tmp_path / "app.json").exists()
