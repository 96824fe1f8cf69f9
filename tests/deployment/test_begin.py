"""All doors make a deploy's plan in one place: no setting and no value is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from de_tasks.config.settings import load, typed
from de_tasks.deployment.plan import Plan
from de_tasks.errors import UsageError
from de_tasks.repo.remote import Remote


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
