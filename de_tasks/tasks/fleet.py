"""fleet.*: the apps of one repository, together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import invoke
from invoke import Collection

from de_tasks.config.files import top
from de_tasks.config.numbers import whole_number
from de_tasks.config.paths import inside
from de_tasks.errors import Declined, DeTasksError, UsageError
from de_tasks.tasks import ci, deploy_settings
from de_tasks.tasks.app_settings import failure_of
from de_tasks.tasks.deploy import NO_CHECK
from de_tasks.tasks.fleet_list import listed
from de_tasks.tasks.invoke_options import READS, Facts
from de_tasks.tasks.task import configuration, settings, task, waits
from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.apps import Chosen, Selection
    from de_tasks.deployment.fleets.health import AppHealth
    from de_tasks.deployment.fleets.parallel import Result
    from de_tasks.net.shards import Shard
    from de_tasks.platform.connect import Connection
    from de_tasks.tasks.deploy_settings import FleetApplied

JOBS = 8
SHARD = (
    "Which of several jobs this is, such as 3/10: it deploys every tenth app, or those of --only, "
    "with its part of the points"
)
SELECTION = {
    "changed_since": "Only apps of which a file differs from this commit",
    "only": "Only this app; several with commas, or given several times",
}


def _would_deploy(context: invoke.Context, given: Facts) -> str:
    _check_which(given["all"], given["changed_since"], given["only"])
    chosen = _part(_shard(given["shard"]), context, given["changed_since"], given["only"])
    return f"deploy {', '.join(one.app.name for one in chosen) or 'no app'}"


@task(
    changes=_would_deploy,
    iterable=["only"],
    help={
        **SELECTION,
        "all": "All apps; what has not changed is not built anew",
        "jobs": f"How many at once (default: {JOBS})",
        "shard": SHARD,
        "message": "What changed, for the deploys' commits",
        "no_check": NO_CHECK,
        "apply": "Give the apps the settings that invoke.yaml lists, too",
        "timeout": "Seconds that build and start of each may take (default: 900)",
        "json": "Print JSON, a line for each event, for each app's result, and for the summary",
    },
)
def deploy(
    context: invoke.Context,
    changed_since: str = "",
    only: Sequence[str] = (),
    all: bool = False,
    jobs: str = "",
    shard: str = "",
    message: str = "",
    timeout: str = "",
    no_check: bool = False,
    apply: bool = False,
    yes: bool = False,
    json: bool = False,
) -> list[Result]:
    """Deploy the apps that changed, in parallel and within the rate limit."""
    from de_tasks.deployment.fleets.connections import Connections, make_ready, question
    from de_tasks.deployment.fleets.parallel import Result, Rollout, exit_code
    from de_tasks.tasks.rollout_output import JsonLines, LiveTable, again, show

    _check_which(all, changed_since, only)
    parallel = whole_number(jobs, "--jobs", least=1) if jobs else JOBS
    if timeout:
        whole_number(timeout, "--timeout", least=1)
    machine = _shard(shard)
    rollout = Rollout(parallel)
    chosen = _part(machine, context, changed_since, only)
    hosts = Connections(configuration(context), waits(), machine)
    ready = [make_ready(hosts, app, rollout, timeout, message, not no_check) for app in chosen]
    hosts.read(rollout.pause)
    asked = question(ready)
    if asked and not console.confirm(asked, yes):
        raise Declined("Nothing was deployed.")
    applied: list[FleetApplied] = []
    if apply:
        fleet = [one.app for one in chosen]
        applied = deploy_settings.apply_before_fleet(fleet, hosts, settings(context), yes)
    width = max((len(one.job.name) for one in ready), default=0)
    observer = JsonLines() if json else LiveTable(len(ready), hosts.left, width)
    refused = {(one.app.name, one.host): one.failure() for one in applied if one.failure()}
    outcomes = [
        Result(one.job, "not begun", text=str(failure), code=failure.code or 1)
        for one in ready
        if (failure := refused.get((one.job.name, one.job.host)))
    ]
    for refusal in outcomes:
        refusal.job.settle()
        observer.ended(refusal)
    begun = [one.job for one in ready if (one.job.name, one.job.host) not in refused]
    outcomes += rollout.run(begun, observer)
    up = {(o.job.name, o.job.host) for o in outcomes if not o.code}
    later = [one.app for one in applied if one.app.wanted.scale and (one.app.name, one.host) in up]
    unscaled = failure_of(deploy_settings.apply_quietly(later))
    code = exit_code(outcomes) or (unscaled.code if unscaled else 0)
    if json:
        counts = {o.status: [x.status for x in outcomes].count(o.status) for o in outcomes}
        console.result_json({"event": "summary", "code": code, **counts})
    elif outcomes:
        show(outcomes)
    elif shard and not only:
        console.result(f"No app is left for job {machine}: there is nothing to deploy.")
    else:
        console.result("Nothing has changed: there is nothing to deploy.")
    ci.report_fleet(outcomes)
    if code:
        names = [o.job.name for o in outcomes if o.code]
        words = [str(unscaled)] if unscaled else []
        if names:
            words.append(f"Not deployed: {', '.join(names)}. Again: {again(names, apply)}")
        raise DeTasksError("\n".join(words), code=code, value=outcomes)
    return outcomes


def _health(found: Sequence[AppHealth]) -> list[dict[str, object]]:
    from de_tasks.tasks import fleet_output

    return [fleet_output.facts(seen) for seen in found]


@task(
    changes=READS,
    facts=_health,
    default=True,
    iterable=["only"],
    help={"only": SELECTION["only"], "json": "Print a JSON list, with one app on each line"},
)
def status(context: invoke.Context, only: Sequence[str] = ()) -> list[AppHealth]:
    """Show all apps: build, commit, age, health, and what is not deployed."""
    from de_tasks.deployment.fleets.apps import NO_APPS
    from de_tasks.deployment.fleets.connections import Connections
    from de_tasks.deployment.fleets.health import Subject, look
    from de_tasks.net.http import Transport
    from de_tasks.tasks import fleet_output

    if not (only or settings(context).apps):
        console.result(NO_APPS)
        return []
    hosts = Connections(configuration(context), waits())
    chosen = [(one.app, hosts.to(one.app)) for one in _selection(context, "", only).chosen]
    hosts.read()

    def way(to: Connection) -> Transport:
        return Transport(to.settings.ca_path, to.host.trusted)

    found = look([Subject(app, to.host.name, hosts.platform(app), way(to)) for app, to in chosen])
    fleet_output.show(found)
    return found


def _chosen(found: Sequence[Chosen] | str) -> object:
    return {"text": found} if isinstance(found, str) else [_facts(chosen) for chosen in found]


@task(
    changes=READS,
    facts=_chosen,
    iterable=["only"],
    help={
        **SELECTION,
        "format": "github (the default) or gitlab",
        "jobs": "How many jobs run at once (default: 10)",
        "workflow": "Print the workflow that uses the matrix, to keep in the repository",
        "json": "Print the apps and the changed files that made each one chosen",
    },
)
def matrix(
    context: invoke.Context,
    changed_since: str = "",
    only: Sequence[str] = (),
    format: str = "github",
    jobs: str = "",
    workflow: bool = False,
) -> Sequence[Chosen] | str:
    """Print the job matrix for a CI system: one job for each app, or each that changed."""
    from de_tasks.deployment.fleets import ci_matrix
    from de_tasks.project.scaffold import plan
    from de_tasks.terminal.proposals import one_of

    one_of(format, [*ci_matrix.FORMATS], "--format")
    at_once = whole_number(jobs, "--jobs", least=1) if jobs else ci_matrix.AT_ONCE
    if workflow:
        path = plan.templates() / "ci" / f"fleet-{format}.yml"
        text = path.read_text("utf-8").rstrip("\n")
        console.result(text)
        return text
    found = _selection(context, changed_since, only)
    names = [chosen.app.name for chosen in found.chosen]
    console.result(ci_matrix.matrix(names, format, at_once))
    return found.chosen


def _shard(text: str) -> Shard:
    from de_tasks.net.shards import Shard

    return Shard.parse(text) if text else Shard()


def _part(
    shard: Shard, context: invoke.Context, changed_since: str, only: Sequence[str]
) -> Sequence[Chosen]:
    """What of the chosen apps is this job's: all of those that `only` names."""
    chosen = _selection(context, changed_since, only).chosen
    return chosen if only else shard.part(chosen)


def _check_which(all: bool, changed_since: str, only: Sequence[str]) -> None:
    if not (all or changed_since or only):
        raise UsageError("Which apps? Give --changed-since REF, --only NAME, or --all")
    if all and (changed_since or only):
        raise UsageError("--all contradicts --changed-since and --only: give one of them.")


def _selection(context: invoke.Context, changed_since: str, only: Sequence[str]) -> Selection:
    """The apps that the flags choose, told on stderr."""
    from de_tasks.deployment.fleets.apps import select
    from de_tasks.repo.changes import changed_since as compare

    root, apps = Path(top()), listed(context)
    names = [name.strip() for text in only for name in text.split(",")]
    changed = compare(root, changed_since) if changed_since else None
    found = select(apps, names, changed)
    if changed is None:
        return found
    if changed.files is None:
        console.note("There is no earlier commit to compare with: all apps are new.")
        return found
    if changed.parted:
        console.note(
            f"{changed_since} is not an ancestor of HEAD: compared with {changed.base[:7]}, "
            "where the two histories diverged."
        )
    considered = len([app for app in apps if not names or app.name in names])
    since = f"since {changed_since}" if len(changed_since) < 20 else f"since {changed.base[:7]}"
    console.note(f"{len(found.chosen)} of {considered} apps changed {since}")
    for chosen in found.chosen:
        console.note(f"  {chosen.app.name}: {_some(chosen.files or (), root)}")
    if found.outside:
        console.note(f"  no app's: {_some(found.outside, root)}")
    return found


def _some(files: Sequence[Path], root: Path) -> str:
    names = [inside(file, root) for file in files[:3]]
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(names) + more


def _facts(chosen: Chosen) -> dict[str, object]:
    root = Path(top())
    files = None if chosen.files is None else [inside(file, root) for file in chosen.files]
    return {
        "name": chosen.app.name,
        "path": inside(chosen.app.folder, root),
        "host": chosen.app.host or None,
        "files": files,
    }


ns = Collection("fleet", deploy, status, matrix)
ns.__doc__ = "The apps of one repository, together."
