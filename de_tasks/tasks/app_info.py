"""apps.info and apps.users: what an app is, and who may do what with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import invoke

from de_tasks.platform.connect import app_name
from de_tasks.tasks.facts import app_facts, or_text, people_facts
from de_tasks.tasks.invoke_options import READS
from de_tasks.tasks.task import connect, task
from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.platform.access import AppAccess
    from de_tasks.platform.models import AppInfo, Verbatim


def _info(found: AppInfo) -> dict[str, object]:
    details = found.details
    return {
        **app_facts(found.app),
        "title": details.title,
        "description": details.description,
        "tags": list(details.tags),
        "view_access": details.view_access,
        "visible_on_portal": details.visible_on_portal,
        "portal_rank": details.portal_rank,
        "maintainer_email": details.maintainer_email,
        "persistent_filesystem": details.persistent_filesystem,
        "python_version": details.python_version,
        "services": [{"name": s.name, "type": s.kind} for s in details.services],
    }


@task(changes=READS, facts=or_text(_info))
def info(context: invoke.Context, name: str = "") -> AppInfo | Verbatim:
    """Show the state and the general data of an app.

    Variables are not among them: variables.list has their names.
    """
    from de_tasks.platform.models import Verbatim
    from de_tasks.tasks import status_output

    connection = connect(context)
    found = connection.platform.info(app_name(connection.settings, name))
    if isinstance(found, Verbatim):
        console.result(found.text)
        return found
    status_output.show(found.app, connection.host.name)
    details = found.details
    on_portal = f"shown, rank {details.portal_rank}" if details.visible_on_portal else "hidden"
    keeps = {True: "yes", False: "no", None: ""}[details.persistent_filesystem]
    for what, words in (
        ("title", details.title),
        ("about", details.description),
        ("tags", ", ".join(details.tags)),
        ("access", details.view_access),
        ("portal", on_portal),
        ("maintainer", details.maintainer_email),
        ("persistent", keeps),
        ("python", details.python_version),
        ("services", ", ".join(f"{s.name} ({s.kind})" for s in details.services)),
    ):
        if words:
            console.result(f"  {what:<10} {words}")
    return found


def _users(found: AppAccess) -> dict[str, object]:
    return {
        "name": found.app,
        "owner": found.owner,
        "co_owners": people_facts(found.co_owners),
        "viewers": people_facts(found.viewers),
        "view_access": found.level,
    }


@task(changes=READS, facts=or_text(_users))
def users(context: invoke.Context, name: str = "") -> AppAccess | Verbatim:
    """List the owner, the co-owners and the viewers of an app, users and groups."""
    from de_tasks.platform.models import Verbatim

    connection = connect(context)
    found = connection.platform.users(app_name(connection.settings, name))
    if isinstance(found, Verbatim):
        console.result(found.text)
        return found
    rows = [("owner", "user", found.owner)]
    for relation, people in (("co-owner", found.co_owners), ("viewer", found.viewers)):
        rows += [(relation, "user", who) for who in (people.users if people else ())]
        rows += [(relation, "group", who) for who in (people.groups if people else ())]
    console.table(("RELATION", "KIND", "NAME"), rows)
    if found.co_owners is None:
        console.note("Co-owners are not shown: this server does not tell them.")
    if found.level != "restricted":
        console.note(f"View access is {found.level}: others can open the app too.")
    return found
