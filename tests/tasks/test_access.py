"""access.*: who may see what, as people and programs read it."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import shutil
import subprocess

import pytest

from de_tasks.platform.models import People as Named
from de_tasks.server import control
from de_tasks.tasks.access import _cell, _lists, _words
from tests.support.backstage import backstage
from tests.support.people import People, Person
from tests.support.places import ROOT
from tests.support.report import needs


@pytest.fixture
def shop(sandbox: control.Running, people: People) -> tuple[Person, str, str]:
    """An owner, the name of an app, and a group that may view it."""
    owner, name = people["dev"], f"shop-{secrets.token_hex(3)}"
    group = f"buyers-{secrets.token_hex(3)}"
    backstage(sandbox).add("viewer", groups=[group])
    assert owner.run(f"apps create --name {name}").code == 0
    words = f"--add-viewer {people['viewer'].name} --add-group-viewer {group}"
    assert owner.run(f"apps update --name {name} --view-access restricted {words}").code == 0
    return owner, name, group


def test_list_names_people_and_groups(shop: tuple[Person, str, str], people: People) -> None:
    owner, name, group = shop
    viewer = people["viewer"].name
    (found,) = json.loads(owner.run("access list --json").out)
    assert found == {
        "app": name,
        "owner": owner.name,
        "access": "restricted",
        "co_owners": {"users": [], "groups": []},
        "viewers": {"users": [viewer], "groups": [group]},
    }
    assert f"{viewer}, group {group}" in owner.run("access list").out
    (row,) = csv.DictReader(io.StringIO(owner.run("access list --csv").out))
    assert (row["app"], row["viewers"], row["viewer groups"]) == (name, viewer, group)


def test_admin_sees_by_which_way_somebody_may_open_it(
    shop: tuple[Person, str, str], people: People, sandbox: control.Running
) -> None:
    owner, name, group = shop
    admin = people["admin"]
    member = backstage(sandbox).add("viewer", groups=[group])
    found = json.loads(admin.run(f"access user {member} --all --json").out)
    assert {"app": name, "may": "open", "by": f"viewer through group {group}"} in found
    unknown = admin.run("access user nobody-here")
    assert unknown.code == 5 and "There is no user 'nobody-here'." in unknown.err
    # Who is no admin is not told of other people's groups.
    asked = owner.run(f"access user {member}").out
    assert f"viewer, if a member of group {group}" in asked


def test_everything_is_for_admins(dev: Person) -> None:
    assert dev.run("access list --all").code == 4


def test_no_cell_is_a_formula() -> None:
    assert _cell("=1+1") == "'=1+1" and _cell("ann") == "ann"


def test_people_who_are_not_told_are_not_nobody() -> None:
    assert (_words(None), _lists(None)) == ("?", ("", ""))
    assert (_words(Named()), _lists(Named())) == ("-", ("", ""))
    assert _words(Named(("ann",), ("buyers",))) == "ann, group buyers"


PAGE = (ROOT / "docs" / "access.md").read_text()
RULES = re.findall(r"^    inv (access.+ --json) \| jq -e '(.+)'$", PAGE, re.M)
BREAKS = ("--view-access unauthenticated", "", "--view-access authenticated", "")
"""Of each rule, what makes a new app break it, and what mends that."""
MENDS = ("--view-access restricted", "--add-co-owner MATE", "--view-access restricted", "")


@pytest.mark.skipif(not shutil.which("jq"), reason=needs("no jq", "apt-get install jq"))
@pytest.mark.parametrize("number", range(4))
def test_a_rule_of_the_page_names_the_app_that_breaks_it(people: People, number: int) -> None:
    owner, name = people["dev"], f"rule-{secrets.token_hex(3)}"
    line, rule = RULES[number]

    def judged(rule: str) -> tuple[int, list[object]]:
        found = owner.run(line.replace(".", " ").replace(" --all", "")).out
        done = subprocess.run(["jq", "-ec", rule], input=found, capture_output=True, text=True)
        return done.returncode, list(map(json.loads, done.stdout.splitlines()))

    assert owner.run(f"apps create --name {name}").code == 0
    owner.run(f"apps update --name {name} {BREAKS[number]}")
    assert judged(rule.replace('"joe"', f'"{owner.name}"')) == (1, [[name], False])
    owner.run(f"apps update --name {name} {MENDS[number]}".replace("MATE", people["mate"].name))
    assert judged(rule) == (0, [[], True])


def test_every_rule_of_the_page_is_tried() -> None:
    assert len(RULES) == PAGE.count("| jq") == len(BREAKS)
