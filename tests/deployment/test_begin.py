"""All doors make a deploy's plan in one place: no setting and no value is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from de_tasks.config.settings import load, typed
from de_tasks.deployment.deploy import Deploy
from de_tasks.deployment.plan import Outcome, Plan
from de_tasks.errors import UsageError
from de_tasks.githooks import deploy as hook
from de_tasks.repo.remote import Remote
from tests.support.people import Person
from tests.support.repositories import Repository


def nowhere(url: str) -> Remote:
    raise AssertionError(url)


PLAN = Plan(
    name="shop",
    source=Path("shop"),
    user="dev",
    host="here",
    message="",
    remote=nowhere,
    confirm=lambda question: True,
)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans of deploys that would have been made."""
    found: list[Plan] = []

    def run(deploy: Deploy) -> Outcome:
        found.append(deploy._plan)
        return Outcome(deploy._plan.name, None)

    monkeypatch.setattr(Deploy, "run", run)
    return found


SETTINGS = """
de:
  apps: [{name: NAME, path: .}]
  branches: {main: NAME}
  branch: trunk
  confirm: always
  timeout: 77
"""


def test_all_doors_make_the_same_plan(dev: Person, page: Path, plans: list[Plan]) -> None:
    (page / "invoke.yaml").write_text(SETTINGS.replace("NAME", page.name))
    head = Repository.make(page).git("rev-parse", "HEAD")
    pushed = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
    assert dev.run(["create", "--name", page.name]).code == 0
    done = [
        dev.inv("deploy", "-y", folder=page),
        dev.inv("fleet.deploy", "--all", "-y", folder=page),
        dev.call(lambda: hook.main(["origin", "nowhere"]), pushed, page),
        dev.inv("preview.deploy", "-y", "--branch", "blue", folder=page),
    ]
    assert [one.code for one in done] == [0] * 4, [one.err for one in done]
    assert [plan.name == page.name for plan in plans] == [True, True, True, False]
    seen = {
        (p.user, p.host, p.timeout, p.always_ask, p.wait, p.overwrite, p.dry_run, p.again)
        for p in plans
    }
    assert seen == {(dev.name, dev.host, 77, True, True, True, False, False)}
    assert {plan.remote(f"{dev.host}/GIT/x").branch for plan in plans} == {"trunk"}
    assert [bool(plan.trailers) for plan in plans] == [False, False, False, True]


def test_a_slip_in_confirm_is_named_whoever_deploys() -> None:
    with pytest.raises(UsageError, match=r"de\.confirm is others or always, not 'allways'"):
        load({"confirm": "allways"}, {})
    with pytest.raises(UsageError, match=r"INVOKE_DE_CONFIRM: de\.confirm is others or always"):
        load({}, {"INVOKE_DE_CONFIRM": "allways"})
    with pytest.raises(UsageError, match=r"entry 1: de\.confirm is others or always"):
        typed({"confirm": "allways"}, "entry 1")
    assert load({"confirm": "always"}, {}).confirm == "always"


def test_trailers_reach_the_message_through_the_vendors_command_line() -> None:
    assert PLAN.message_through_de("") == "Deploy shop"
    marked = replace(PLAN, message="New colours", trailers=("De-Preview: blue",))
    assert marked.message_through_de("") == "New colours\n\nDe-Preview: blue"
