"""apps.transfer: another owner for an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import invoke

from de_tasks.errors import Declined, UsageError
from de_tasks.platform.connect import app_name, find_host
from de_tasks.tasks.facts import app_facts, or_text
from de_tasks.tasks.task import connect, needs_no_answer, settings, task
from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.platform.models import App, Verbatim


@task(
    changes="transfer app {app} on {host} to {username}",
    facts=or_text(app_facts),
    help={"username": "User name of the new owner, who needs a license seat"},
)
def transfer(
    context: invoke.Context, name: str = "", username: str = "", yes: bool = False
) -> App | Verbatim:
    """Give an app to another owner; for admins.

    Its services, settings and files follow. On a terminal you are asked to type the app's name;
    without one -y is needed.
    """
    from de_tasks.platform.models import Verbatim

    new = username.strip().lower()
    if not new:
        raise UsageError("Name the new owner with --username.")
    values = settings(context)
    wanted = app_name(values, name)
    question = f"Transfer {wanted} on {find_host(values).name}, with its services, to {new}?"
    agreed = needs_no_answer(question, yes, spelled_out=False)
    if not agreed and not console.type_to_confirm(f"{question} Type its name to confirm:", wanted):
        raise Declined("Nothing was transferred.")
    connection = connect(context)
    done = connection.platform.transfer(wanted, new)
    if isinstance(done, Verbatim):
        console.result(done.text)
    else:
        console.done(f"App {wanted} belongs to {done.owner} now.")
    return done
