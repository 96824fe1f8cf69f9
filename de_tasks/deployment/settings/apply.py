"""Reading what apps have, and carrying plans out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from de_tasks.deployment.settings.apps import AppWithSettings
from de_tasks.deployment.settings.plan import (
    AppState,
    PlannedChange,
    Pruning,
    SettingsPlan,
    left_over,
    plan,
    plan_unseen,
)
from de_tasks.errors import DeTasksError, NotAvailable, Temporary
from de_tasks.platform.connect import missing
from de_tasks.platform.models import Changes, People, RefusedChange
from de_tasks.platform.protocol import Platform

SETTLE_GAPS = (1, 2, 4, 8, 15)
"""Seconds between looks at an app whose processes are being scaled."""


@dataclass(frozen=True)
class Compared:
    """An app with its plan, and the state that the plan is for: None where nobody tells it."""

    app: AppWithSettings
    plan: SettingsPlan
    state: AppState | None


@dataclass(frozen=True)
class Applied:
    """What came of a plan: the lines that were done, those that are left, and the errors that
    kept them from being done. `after` is the plan that was made then; `unsure` says that it should
    have been and could not, so that nobody knows what was done."""

    app: str
    done: tuple[PlannedChange, ...] = ()
    left: tuple[PlannedChange, ...] = ()
    errors: tuple[DeTasksError, ...] = ()
    after: SettingsPlan | None = None
    unsure: bool = False


def compare(app: AppWithSettings, pruning: Pruning) -> Compared:
    """Read what an app has, and plan. Raises `NotFound` without the app."""
    connection = app.connect()
    host = connection.host.name
    try:
        state = _state(app, connection.platform, host)
    except NotAvailable:
        if connection.platform.app(app.name) is None:
            raise missing(app.name, host) from None
        kinds = app.wanted.services or ()
        there = connection.platform.attached(app.name, kinds) if kinds else []
        present = [service.kind for service in there]
        return Compared(app, plan_unseen(app.name, host, app.wanted, present, app.outside), None)
    return Compared(app, plan(app.name, host, app.wanted, state, app.outside, pruning), state)


def apply(compared: Compared, pruning: Pruning) -> Applied:
    """Carry a plan out, and plan again: all settings in one request where the API allows it.

    What is refused stops nothing else of the app. Raises `DeTasksError`, with nothing done, if the
    app has changed since the plan was made, or cannot get there.
    """
    app, planned = compared.app, compared.plan
    if planned.in_step and compared.state is not None:
        return Applied(app.name, after=planned)
    connection = app.connect()
    if planned.blocked:
        raise DeTasksError(f"{app.name}: {'; '.join(planned.blocked)}. Nothing was changed.")
    if compared.state is not None and planned.lines:
        if _state(app, connection.platform, connection.host.name) != compared.state:
            raise DeTasksError(
                f"{app.name} has changed since the plan was shown. Nothing was changed: look at "
                "the new plan first"
            )
    errors = _carry_out(connection.platform, planned)
    if compared.state is None:
        return Applied(
            app.name, () if errors else planned.lines, errors=errors, unsure=bool(errors)
        )
    try:
        after = compare(app, pruning).plan if errors else _plan_when_settled(app, pruning)
    except DeTasksError as error:
        return Applied(app.name, left=planned.lines, errors=(*errors, error), unsure=True)
    done, left = left_over(planned, after)
    return Applied(app.name, tuple(done), tuple(left), errors, after)


def _plan_when_settled(app: AppWithSettings, pruning: Pruning) -> SettingsPlan:
    """The plan for what an app has now. The number of its processes follows some seconds later."""
    for seconds in SETTLE_GAPS:
        after = compare(app, pruning).plan
        if not after.changes.scale or after.blocked:
            return after
        time.sleep(seconds)
    return compare(app, pruning).plan


def _carry_out(platform: Platform, planned: SettingsPlan) -> tuple[DeTasksError, ...]:
    """What was refused; a lost connection ends it."""
    app, found = planned.app, list[DeTasksError]()

    def update() -> object:
        if planned.changes != Changes():
            found.extend(_named(refusal) for refusal in platform.update(app, planned.changes))
        return None

    steps: list[Callable[[], object]] = [update]
    steps += [partial(platform.attach_service, app, kind) for kind in planned.add_services]
    steps += [partial(platform.delete_service, app, one.kind) for one in planned.remove_services]
    for step in steps:
        try:
            step()
        except Temporary as error:
            return (*found, error)
        except DeTasksError as error:
            found.append(error)
    return tuple(found)


def _named(refusal: RefusedChange) -> DeTasksError:
    error = refusal.error
    kind = type(error) if isinstance(error, DeTasksError) else DeTasksError
    return kind(f"{refusal.what}: {error}")


def _state(app: AppWithSettings, platform: Platform, host: str) -> AppState:
    details = platform.details(app.name)
    if details is None:
        raise missing(app.name, host)
    picture = platform.thumbnail(details) if app.wanted.thumbnail else None
    # A service that starts or stops meanwhile is no change of the app.
    services = tuple(replace(service, status="") for service in details.services)
    return AppState(replace(details, services=services), picture)


def gives_up_access(compared: Compared) -> bool:
    """Whether the plan may take the caller's own right to manage the app away: as a co-owner, by
    name or in a group, who is neither its owner nor an admin. Costs two reads where co-owners
    are removed."""
    removed = compared.plan.changes.remove_co_owners
    if not removed or compared.state is None:
        return False
    platform = compared.app.connect().platform
    me = platform.whoami()
    there = platform.app(compared.app.name)
    if me.is_admin or there is None or there.owner == me.username:
        return False
    now = compared.state.details.co_owners or People()
    if me.username in now.users:
        return me.username in removed.users
    # By a group: which ones somebody is in, not every server tells.
    return bool(removed.groups)
