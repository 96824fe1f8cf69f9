"""Carrying out what a form asks for, and what is to be said of it."""

from __future__ import annotations

import asyncio
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
    """Do it for the app of that name. What takes several steps is begun only where the user has
    points for all of them; of a file, a refusal of one variable keeps no other from being set.

    Raises `DeTasksError` where nothing was done, or no more than what the error says.
    """
    # In a thread: a file may take its time to be read.
    asked = await asyncio.to_thread(variables, change, form)
    steps = len(asked) * (2 if change.then else 1)
    if steps > 1:
        await _need_points(ask, steps, "Split the file." if change.read else "")
    outcome = Outcome()
    for given in asked:
        try:
            answers = await _steps(change, name, given, ask)
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


async def _steps(change: Change, name: str, given: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """What the last document of a change answers."""
    answers = await ask(change.document, name=name, **given)
    if not change.then:
        return answers
    try:
        return await ask(change.then, name=name, **given)
    except DeTasksError as error:
        words = f"{change.half({'name': name, **given})} {error}"
        raise (
            TryLater(words, error.seconds) if isinstance(error, TryLater) else DeTasksError(words)
        ) from error


async def _need_points(ask: Ask, number: int, remedy: str) -> None:
    """Raise where so many changes cost more points than are left: `UsageError` with the remedy
    where they always do, else `TryLater`."""
    left = (await ask(POINTS))["rateLimit"]
    cost = WRITE * number + FOR_THE_PAGE
    if cost <= left["remaining"]:
        return
    words = f"Nothing was done: {number} changes cost {cost} points"
    if cost > left["limit"]:
        raise UsageError(f"{words}, but your limit is {left['limit']}. {remedy}".rstrip())
    seconds = -(-left["msBeforeNext"] // 1000)
    left_over = f"{words}, and you have {left['remaining']} left. Try again in {seconds} s."
    raise TryLater(left_over, seconds)


def sentences(change: Change, name: str, outcome: Outcome) -> str:
    """What is said of it: refusals first."""
    restarting = [f"Restarting {name} ..."] if outcome.restarts else []
    done = [change.together(outcome.done)] if outcome.done else []
    return " ".join([*outcome.refused, *done, *restarting])
