"""preview.*: branches as apps of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.config.numbers import whole_number
from de_tasks.deployment.begin import repository
from de_tasks.deployment.previews.deploy import deploy_preview, main_app
from de_tasks.errors import Declined, DeTasksError
from de_tasks.platform.connect import Connection
from de_tasks.tasks import ci
from de_tasks.tasks.deploy import NO_CHECK, REF, VERBOSE
from de_tasks.tasks.deploy_output import shown
from de_tasks.tasks.invoke_options import ITS_DRY_RUN, READS, Facts
from de_tasks.tasks.task import connect, settings, task
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.plan import Outcome
    from de_tasks.deployment.previews.mark import Preview
    from de_tasks.deployment.previews.prune import Deleted, Stale
    from de_tasks.tasks.values import Pruned

NAME = {"name": "Name of the main app (default: de.app, the first of de.branches, or the folder's)"}
BRANCH = {"branch": "Branch (default: the one that is checked out)"}


def _would(verb: str) -> Callable[[invoke.Context, Facts], str]:
    def words(context: invoke.Context, given: Facts) -> str:
        values = settings(context, path=given["path"])
        branch, app = _branch(values, given["branch"]), main_app(values, given["name"])
        return f"{verb} the preview of branch {branch} of {app}"

    return words


@task(
    changes=_would("deploy"),
    help={
        **NAME,
        **BRANCH,
        "message": "What changed, for the deploy's commit",
        "ref": REF,
        "restricted": "Let nobody in but owner and co-owners (default: the main app's viewers)",
        "no_check": NO_CHECK,
        "no_wait": "Return when the server has the files; the build goes on",
        "timeout": "Seconds that build and start may take (default: 900)",
        "verbose": VERBOSE,
        "json": "Print JSON, a line for each event: preview, plan, step, progress, log, wait, done",
    },
)
def deploy(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    branch: str = "",
    message: str = "",
    ref: str = "",
    timeout: str = "",
    restricted: bool = False,
    no_check: bool = False,
    no_wait: bool = False,
    verbose: bool = False,
    yes: bool = False,
    json: bool = False,
) -> Outcome:
    """Deploy a branch as an app of its own, created like the main app."""
    from de_tasks.appspec import check_folder
    from de_tasks.repo.source import find_commit

    if timeout:
        whole_number(timeout, "--timeout", least=1)
    values = settings(context, path=path, timeout=timeout)
    folder = Path(values.path).expanduser()
    check_folder(folder)
    branch = _branch(values, branch)
    source = find_commit(folder, ref) if ref else folder
    connection = connect(context, json, path=path, timeout=timeout)
    app = main_app(values, name)
    with ci.failures(f"{app}, branch {branch}"), shown(json, verbose) as tell:
        done = deploy_preview(
            connection=connection,
            app=app,
            branch=branch,
            source=source,
            agreed=lambda question: console.confirm(question, yes),
            tell=tell,
            message=message,
            restricted=restricted,
            wait=not no_wait,
            check=not no_check,
        )
    ci.report(done)
    return done


def _listed(found: Sequence[Preview]) -> list[dict[str, object]]:
    now = datetime.now(timezone.utc)
    return [_facts(preview, now) for preview in found]


@task(
    changes=READS,
    facts=_listed,
    name="list",
    default=True,
    help={**NAME, "branch": "Only the preview of this branch", "all": "Previews of every app"},
)
def list_previews(
    context: invoke.Context,
    name: str = "",
    branch: str = "",
    all: bool = False,
) -> list[Preview]:
    """List the previews: branch, age since the last deploy, address, owner."""
    from de_tasks.deployment.previews import prune as previews

    connection = connect(context)
    wanted = "" if all else main_app(connection.settings, name)
    listed = previews.listed(connection.platform, wanted)
    found = [preview for preview in listed if branch in ("", preview.branch)]
    now = datetime.now(timezone.utc)
    rows = [(p.branch, _age(p.age(now)), p.status, p.url, p.owner) for p in found]
    of = " ".join(filter(None, (branch and f"of {branch}", wanted and f"of {wanted}")))
    none = f"There is no preview{of and f' {of}'}. Deploy one: {typed('preview.deploy')}"
    console.table(("BRANCH", "AGE", "BUILD", "ADDRESS", "OWNER"), rows, none)
    return found


def _deleted(found: Deleted | None) -> dict[str, object]:
    if found is None:
        return {"deleted": False, "branch": None, "name": None, "services": [], "kept": []}
    names = {"branch": found.preview.branch, "name": found.preview.name}
    return {"deleted": True, **names, "services": [*found.services], "kept": [*found.kept]}


@task(
    changes=_would("delete"),
    facts=_deleted,
    help={**NAME, **BRANCH, "if_exists": "Succeed when there is no such preview"},
)
def delete(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    branch: str = "",
    if_exists: bool = False,
    yes: bool = False,
) -> Deleted | None:
    """Delete the preview of a branch, with the services that were made for it."""
    from de_tasks.deployment.previews import prune as previews
    from de_tasks.errors import NotFound

    values = settings(context, path=path)
    branch, app = _branch(values, branch), main_app(values, name)
    connection = connect(context, path=path)
    try:
        preview = previews.find(connection.platform, app, branch)
    except NotFound as missing:
        if not if_exists:
            raise
        console.result(str(missing))
        return None
    question = f"Delete {preview.name}, the preview of {branch}, with its services and their data?"
    if not console.confirm(question, yes):
        raise Declined("Nothing was deleted.")
    deleted = previews.delete(connection.platform, preview, connection.platform.whoami())
    _show(deleted, connection)
    return deleted


def _pruned(found: Sequence[Pruned]) -> list[dict[str, object]]:
    facts = _listed([one.preview for one in found])
    return [
        known | {"reason": one.reason, "deleted": one.deleted}
        for known, one in zip(facts, found, strict=True)
    ]


@task(
    changes=ITS_DRY_RUN,
    facts=_pruned,
    help={
        **NAME,
        "older_than": "Days without a deploy after which a preview goes too",
        "remote": "Remote of the repository whose branches count (default: origin)",
        "dry_run": "Only say what would be deleted; so without a terminal, unless -y is given",
    },
)
def prune(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    older_than: str = "",
    remote: str = "origin",
    dry_run: bool = False,
    yes: bool = False,
) -> list[Pruned]:
    """Delete the previews whose branch is gone, or that are older than some days."""
    from de_tasks.deployment.previews import prune as previews
    from de_tasks.repo.branches import known_branches
    from de_tasks.tasks.values import Pruned

    days = whole_number(older_than, "--older-than", least=1) if older_than else None
    longest = None if days is None else timedelta(days=days)
    values = settings(context, path=path)
    app = main_app(values, name)
    branches = known_branches(Path(values.path).expanduser(), remote)
    connection = connect(context, path=path)
    user = connection.platform.whoami()
    found = list(previews.stale(previews.listed(connection.platform, app), branches, longest, user))
    for item in found:
        console.note(f"{item.preview.name}: {item.reason}")
    dry_run = dry_run or not (yes or console.interactive())
    if found and not dry_run and not console.confirm(f"Delete {_count(found)}?", yes):
        raise Declined("Nothing was deleted.")
    if not found:
        console.note(f"There is no preview of {app} to delete.")
    elif dry_run:
        console.note(f"{_count(found)} would be deleted. To delete: {typed('preview.prune -y')}")
    gone: list[str] = []
    codes: set[int] = set()
    for item, outcome in () if dry_run else previews.delete_all(connection.platform, found, user):
        if isinstance(outcome, DeTasksError):
            console.note(str(outcome))
            codes.add(outcome.code)
        else:
            gone.append(item.preview.name)
            _show(outcome, connection)
    seen = [Pruned(item.preview, item.reason, item.preview.name in gone) for item in found]
    left = [item.preview.name for item in found if item.preview.name not in gone]
    if left and not dry_run:
        # What another try may heal must say so, also to a CI's job.
        code = codes.pop() if len(codes) == 1 else 1
        raise DeTasksError(f"Not deleted: {', '.join(left)}.", code=code, value=seen)
    return seen


def _branch(values: Settings, branch: str) -> str:
    from de_tasks.repo.branches import current_branch

    return branch or current_branch(Path(values.path).expanduser())


def _show(deleted: Deleted, connection: Connection) -> None:
    preview, host = deleted.preview, connection.host.name
    repository(connection.settings, connection, preview.name).forget()
    services = f" with {', '.join(deleted.services)}" if deleted.services else ""
    console.done(f"Preview {preview.name} of {preview.branch} was deleted from {host}{services}.")
    if deleted.kept:
        console.note(f"Not made for it, and so kept with their data: {', '.join(deleted.kept)}")


def _facts(preview: Preview, now: datetime) -> dict[str, object]:
    return {
        "branch": preview.branch,
        "name": preview.name,
        "app": preview.app,
        "owner": preview.owner,
        "url": preview.url,
        "build": preview.status,
        "created": preview.created.isoformat(),
        "deployed": preview.deployed.isoformat() if preview.deployed else None,
        "age_seconds": round(preview.age(now).total_seconds()),
        "by_hand": preview.by_hand,
    }


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    for unit, size in (("days", 1440), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min" if minutes else "just now"


def _count(found: Sequence[Stale]) -> str:
    return "1 preview" if len(found) == 1 else f"{len(found)} previews"


ns = Collection("preview", deploy, list_previews, delete, prune)
ns.__doc__ = "Branches as apps of their own."
