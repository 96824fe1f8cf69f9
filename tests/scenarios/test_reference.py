"""Every line of the reference works, under `de-tasks` and under `inv`."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import requests
import tomllib

import de_tasks
from de_tasks.cli.grammar import Grammar
from de_tasks.cli.program import core_context
from de_tasks.server import control
from tests.support.backstage import PASSWORD
from tests.support.people import People, Person

CHAPTERS = tomllib.loads(Path(__file__).with_name("reference.toml").read_text("utf-8"))["chapter"]
LINES = [line for chapter in CHAPTERS for line in chapter["lines"]]
PICTURE = b"\x89PNG\r\n\x1a\n0000"
WORKER = "worker: while true; do echo beat; sleep 1; done\n"


@pytest.fixture
def values(people: People, sandbox: control.Running, quick: Path, tmp_path: Path) -> dict[str, str]:
    """What stands for the names in braces."""
    group = f"people-{secrets.token_hex(3)}"
    people.add("member", groups=[group])
    (quick / "Procfile").write_text((quick / "Procfile").read_text() + WORKER)
    (tmp_path / "picture").write_bytes(PICTURE)
    here = tmp_path / "here"
    here.mkdir()
    (here / "Procfile").write_text("web: echo hello\n")
    (here / "app.py").write_text("")
    users = {stem: people[stem].name for stem in ("viewer", "admin")}
    return {
        "app": f"ref-{secrets.token_hex(3)}",
        "host": sandbox.url,
        "folder": str(quick),
        "here": str(here),
        "png": str(tmp_path / "picture"),
        "ca": requests.utils.DEFAULT_CA_BUNDLE_PATH,
        "keyfile": str(tmp_path / "other.json"),
        "user": people["dev"].name,
        "group": group,
        **users,
    }


@pytest.mark.parametrize("program", ["de-tasks", "inv"])
def test_every_line_of_the_reference(program: str, values: dict[str, str], nobody: Person) -> None:
    for chapter in CHAPTERS:
        if chapter.get("program_only") and program == "inv":
            continue
        for line in chapter["lines"]:
            known = {
                "DASH_ENTERPRISE_USERNAME": values["user"],
                "DASH_ENTERPRISE_PASSWORD": PASSWORD,
            }
            nobody.environment = known if line.get("password", True) else {}
            check(nobody, program, line, values)


def check(person: Person, program: str, line: dict[str, Any], values: dict[str, str]) -> None:
    """Run one line of the table."""
    words = [word.format(**values) for word in line["de"].split()]
    done = person.run(words, program=program)
    seen = f"{program} {' '.join(words)}\n{done.out}{done.err}"
    assert done.code == line.get("code", 0), seen
    assert "Traceback" not in done.err, seen
    if "prints" in line:
        assert done.out == line["prints"].format(**values) + "\n", seen
    if "like" in line:
        pattern = line["like"].replace("{app}", values["app"]).replace("{user}", values["user"])
        assert re.fullmatch(pattern, done.out.rstrip("\n")), seen
    opens = (line["opens"].format(**values),) if "opens" in line else ()
    assert done.opened == opens, seen


OURS = {"apps export", "apps plan", "apps apply"}
"""Commands that the reference does not have."""


def test_every_option_of_a_line_is_one_of_the_command() -> None:
    grammar = Grammar("de-tasks", de_tasks.ns, core_context())
    for line in LINES:
        grammar.read(line["de"].split())


def test_table_has_every_command_of_the_reference() -> None:
    commands = {" ".join(re.findall(r"(?<!\S)[a-z]+(?!\S)", line["de"])[:2]) for line in LINES}
    expected = {f"apps {c}" for c in de_tasks.apps.task_names} - OURS
    expected |= {f"services {c}" for c in de_tasks.services.task_names}
    assert expected <= commands
