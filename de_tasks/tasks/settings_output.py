"""How plans of settings, and what came of them, are shown to people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.deployment.settings.apply import Applied
    from de_tasks.deployment.settings.plan import PlannedChange
    from de_tasks.tasks.values import PlannedSettings

COLOURS = {"+": "done", "-": "failed", "~": "look"}


def plan_facts(found: Sequence[PlannedSettings]) -> list[dict[str, object]]:
    return [_facts_of(one) for one in found]


def _facts_of(one: PlannedSettings) -> dict[str, object]:
    plan = one.compared.plan if one.compared else None
    unseen = one.compared is not None and one.compared.state is None
    return {
        "name": one.name,
        "host": plan.host if plan else None,
        "in_step": None if unseen else bool(plan and plan.in_step),
        "changes": [_line_facts(line) for line in plan.lines] if plan else [],
        "blocked": list(plan.blocked) if plan else [],
        "unknown": list(plan.unknown) if plan else [],
        "kept": list(plan.kept) if plan else [],
        "failure": str(one.error) if one.error else None,
    }


def _line_facts(line: PlannedChange) -> dict[str, object]:
    return {"action": line.action, "what": line.what, "text": line.text or None}


def applied_facts(found: Sequence[Applied]) -> list[dict[str, object]]:
    return [
        {
            "name": one.app,
            "in_step": bool(one.after and one.after.in_step),
            "done": [_line_facts(line) for line in one.done],
            "unsure": one.unsure,
            "left": [_line_facts(line) for line in one.left],
            "failures": [str(error) for error in one.errors],
        }
        for one in found
    ]


def show(one: PlannedSettings, out: bool = True) -> None:
    """Print a plan as a diff; what stays or cannot be compared goes to stderr."""
    if one.compared is None:
        return
    found = one.compared.plan
    unseen = one.compared.state is None
    if found.in_step:
        words = "cannot be compared through `de`" if unseen else "in step"
        console.line(f"{found.app} on {found.host}: {words}", out=out)
    else:
        console.line(f"{found.app} on {found.host}:", out=out)
    for line in found.lines:
        console.line("  ", (line.action, COLOURS[line.action]), f" {_one_line(line)}", out=out)
    for text in found.blocked:
        console.line("  ", ("!", "look"), f" {text}", out=out)
    for text in found.unknown:
        console.note(f"  ? {text}")
    if found.kept:
        console.note(f"  Not listed, and kept: {', '.join(found.kept)}")


def _one_line(line: PlannedChange) -> str:
    from de_tasks.terminal.text import one_line

    return one_line(line.words())


def show_applied(one: Applied, unseen: bool, out: bool) -> None:
    if one.unsure:
        console.note(f"{one.app}: it cannot be read now, so how much was done is not known.")
    elif one.errors or one.left:
        done = ", ".join(line.what for line in one.done) or "nothing"
        left = ", ".join(line.what for line in one.left) or "nothing"
        console.note(f"{one.app}: done: {done}; not done: {left}")
    elif unseen:
        console.line(f"{one.app}: set. `de` cannot show what it has now", out=out)
    elif one.done:
        console.line(f"{one.app}: {_count(one.done)} made, in step", out=out)


def _count(lines: Sequence[PlannedChange]) -> str:
    return f"{len(lines)} change{'' if len(lines) == 1 else 's'}"
