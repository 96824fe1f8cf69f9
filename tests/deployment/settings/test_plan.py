"""The plan is a function of what is listed and what is there: its laws, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.vendor import yaml

from de_tasks.deployment.settings.export import as_yaml, settings_of
from de_tasks.deployment.settings.form import VALUES, parse
from de_tasks.deployment.settings.plan import (
    AppState,
    OutsideValues,
    Pruning,
    SettingsPlan,
    plan,
    plan_unseen,
)
from de_tasks.platform.models import Details, People, Service
from tests.support.app_settings import STATES, WISHES

ALL = Pruning(lists=True, services=("app-redis", "app-postgres"))
PRUNINGS = st.sampled_from((Pruning(), Pruning(lists=True), ALL))
NOTHING = OutsideValues()


def planned(
    section: Mapping[str, Any],
    state: Details,
    pruning: Pruning = Pruning(),  # noqa: B008
    outside: OutsideValues = NOTHING,
) -> SettingsPlan:
    return plan("app", "host", parse(section, "x", Path()), AppState(state), outside, pruning)


def carried_out(state: Details, made: SettingsPlan) -> Details:
    """The state after a plan, as the platform carries it out."""
    changes = made.changes
    made_of = {name: getattr(changes, name) for name in (*VALUES, "tags")}
    given = {name: value for name, value in made_of.items() if value is not None}
    for who in ("viewers", "co_owners"):
        was, add, gone = (
            getattr(o, n)
            for o, n in ((state, who), (changes, f"add_{who}"), (changes, f"remove_{who}"))
        )
        given[who] = People(
            tuple({*was.users, *add.users} - {*gone.users}),
            tuple({*was.groups, *add.groups} - {*gone.groups}),
        )
    values = {**state.variables, **changes.set_variables}
    given["variables"] = {k: v for k, v in values.items() if k not in changes.remove_variables}
    given["scale"] = {**state.scale, **changes.scale}
    kept = [s for s in state.services if s not in made.remove_services]
    given["services"] = (*kept, *(Service(f"app-{k}", k, "", "") for k in made.add_services))
    return replace(state, **given)


@given(STATES, PRUNINGS)
def test_what_is_exported_plans_to_nothing(state: Details, pruning: Pruning) -> None:
    document = yaml.safe_load(  # type: ignore[no-untyped-call]
        as_yaml({"de": {"settings": settings_of(state)}})
    )
    assert planned(document["de"]["settings"], state, pruning) == SettingsPlan("app", "host")


@given(WISHES, STATES, PRUNINGS)
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(
    wish: dict[str, Any], state: Details, pruning: Pruning
) -> None:
    made = planned(wish, state, pruning)
    after = planned(wish, carried_out(state, made), pruning)
    assert (after.lines, after.blocked) == ((), made.blocked)


@given(WISHES, STATES)
def test_without_pruning_nothing_is_taken_away(wish: dict[str, Any], state: Details) -> None:
    made = planned(wish, state)
    after = carried_out(state, made)
    assert {*state.tags} <= {*after.tags}
    assert {*state.viewers.users} <= {*after.viewers.users}
    assert state.variables.keys() <= after.variables.keys()
    assert {s.name for s in state.services} <= {s.name for s in after.services}


@given(WISHES, STATES, st.randoms(), PRUNINGS)
def test_order_and_case_make_no_difference(
    wish: dict[str, Any], state: Details, chance: Any, pruning: Pruning
) -> None:
    def other(value: Any, names: bool = False) -> Any:
        if isinstance(value, dict):
            return {k: other(v, names or k in ("users", "groups")) for k, v in value.items()}
        if not isinstance(value, list):
            return value
        words = [word.swapcase() if names else word for word in value]
        chance.shuffle(words)
        return words

    made, again = planned(wish, state, pruning), planned(other(wish), state, pruning)
    assert {(x.action, x.what.casefold()) for x in made.lines} == {
        (x.action, x.what.casefold()) for x in again.lines
    }


@given(STATES)
def test_a_value_is_compared_and_never_shown(state: Details) -> None:
    section = {"variables": {"A": {"from": "env:A"}}}
    made = planned(section, state, ALL, OutsideValues({"A": "hunter2"}))
    (line,) = (line for line in made.lines if line.what == "variable A")
    assert line.action == ("~" if "A" in state.variables else "+")
    assert "hunter2" not in f"{made.lines}{made}"


@given(STATES)
def test_a_service_is_deleted_only_where_it_is_named(state: Details) -> None:
    made = planned({"services": []}, state, Pruning(lists=True))
    assert made.lines == ()
    assert len(made.kept) == len(state.services)


@pytest.fixture
def bare() -> Details:
    return Details(
        title="Shop", description="", tags=("de-preview:shop:1:x",), view_access="restricted",
        visible_on_portal=True, portal_rank=0, maintainer_email="", persistent_filesystem=None,
        thumbnail_url="", viewers=People(), co_owners=None, variables={}, platform_variables={},
        services=(),
    )  # fmt: skip


def test_the_mark_of_a_preview_is_no_setting(bare: Details) -> None:
    assert planned({"tags": []}, bare, ALL).lines == ()
    assert settings_of(bare)["tags"] == []


def test_what_the_server_does_not_tell_is_said_and_left_alone(bare: Details) -> None:
    made = planned({"co_owners": ["joe"], "persistent_filesystem": True, "scale": {"web": 2}}, bare)
    assert made.in_step
    assert len(made.unknown) == 3


def test_a_required_variable_that_is_missing_blocks_the_plan(bare: Details) -> None:
    made = planned({"variables": ["KEY"]}, bare)
    assert not made.in_step
    assert "KEY is required" in made.blocked[0]


def test_variable_whose_source_is_not_here_stays_as_it_is_set(bare: Details) -> None:
    away = OutsideValues(absent={"KEY": "the environment variable OTHER is not set here"})
    section = {"variables": {"KEY": {"from": "env:OTHER"}}}
    made = planned(section, replace(bare, variables={"KEY": "as it is"}), outside=away)
    why = "the environment variable OTHER is not set here"
    assert made.in_step
    assert made.unknown == (f"variable KEY is set, and stays: {why}",)
    missing = planned(section, bare, outside=away)
    assert missing.blocked == (f"variable KEY is required and not set: {why}",)


def test_files_that_cannot_be_seen_are_not_deleted() -> None:
    wanted = parse({"title": "Sales", "persistent_filesystem": False}, "settings", Path())
    found = plan_unseen("app", "host", wanted, (), NOTHING)
    assert (found.changes.title, found.changes.persistent_filesystem) == ("Sales", None)
    assert "persistent filesystem cannot be compared, nor deleted unseen" in found.unknown
