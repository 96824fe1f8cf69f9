"""Carrying out what a form asks for, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server.errors import TryLater
from de_tasks.server.users.rate_limit import WRITE
from de_tasks.server.web.changes import Change, variables

POINTS = "{ rateLimit { limit remaining msBeforeNext } }"
FOR_THE_PAGE = 3
"""Points that showing the page afterwards takes, at most."""


class Ask(Protocol):
    """Asks the API as the user whose form it is."""

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        """What it answers. Raises `DeTasksError` for a refusal."""


@dataclass
class Outcome:
    """What was `done`, in sentences, and what was refused; `status` and `headers` are those of the
    page that says the latter. `build` is the number of a build that was begun."""

    done: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    restarts: bool = False
    build: str = ""
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)


async def carry_out(change: Change, name: str, form: Mapping[str, Any], ask: Ask) -> Outcome:
    """Do it for the app of that name. What a file asks for is begun only where the user has points
    for all of it; there a refusal of one thing does not keep the others from being done.

    Raises `DeTasksError` where nothing was done.
    """
    asked = variables(change, form)
    if len(asked) > 1:
        await _need_points(ask, len(asked))
    outcome = Outcome()
    for given in asked:
        try:
            answers = await ask(change.document, name=name, **given)
            if change.then:
                answers = await ask(change.then, name=name, **given)
        except DeTasksError as error:
            if len(asked) == 1:
                raise
            outcome.refused.append(str(error))
            if isinstance(error, TryLater):
                outcome.status, outcome.headers = 429, error.headers
                break
            continue
        outcome.done.append(change.said({"name": name, **given}))
        for answer in answers.values():
            outcome.restarts |= bool(answer.get("refresh"))
            outcome.build = (answer.get("build") or {}).get("id", "")
    return outcome


async def _need_points(ask: Ask, number: int) -> None:
    """Raise `UsageError` where so many changes cost more points than are left."""
    left = (await ask(POINTS))["rateLimit"]
    cost = WRITE * number + FOR_THE_PAGE
    if cost <= left["remaining"]:
        return
    words = f"Nothing was set: {number} variables cost {cost} points"
    if cost > left["limit"]:
        raise UsageError(f"{words}, and you have {left['limit']} at a time. Split the file.")
    seconds = -(-left["msBeforeNext"] // 1000)
    raise UsageError(f"{words}, and you have {left['remaining']} left. Try again in {seconds} s.")


def sentences(change: Change, name: str, outcome: Outcome) -> str:
    """What is said of it: refusals first."""
    restarting = [f"Restarting {name} ..."] if outcome.restarts else []
    done = [change.together(outcome.done)] if outcome.done else []
    return " ".join([*outcome.refused, *done, *restarting])
