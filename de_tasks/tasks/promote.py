"""promote: what serves as one app, as the next deploy of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import invoke

from de_tasks.config.numbers import whole_number
from de_tasks.deployment.begin import deploy_of, plan_of, remote, repository
from de_tasks.errors import Declined, NotAvailable, UsageError
from de_tasks.platform.connect import app_name
from de_tasks.tasks import ci
from de_tasks.tasks.deploy_output import shown
from de_tasks.tasks.invoke_options import ITS_DRY_RUN
from de_tasks.tasks.task import connect, settings, task
from de_tasks.terminal import console

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.deployment.events import Event
    from de_tasks.deployment.plan import Outcome
    from de_tasks.deployment.promotion import Differing, Promotion
    from de_tasks.platform.connect import Connection
    from de_tasks.repo.source import Deployed


@task(
    changes=ITS_DRY_RUN,
    help={
        "from_": "App whose files are deployed, as they serve there",
        "dry_run": "Say what would differ, and send nothing",
        "timeout": "Seconds that build and start may take (default: 900)",
        "verbose": "Show the whole log of the build, with the frames of libraries in it",
        "json": "Print JSON, a line for each event: plan, step, progress, log, wait, done",
    },
)
def promote(
    context: invoke.Context,
    from_: str = "",
    name: str = "",
    timeout: str = "",
    dry_run: bool = False,
    verbose: bool = False,
    yes: bool = False,
    json: bool = False,
) -> Outcome:
    """Deploy to an app exactly the files that serve as another one, such as its staging app.

    The platform builds them again. Variables, services and settings stay as they are: names of
    variables that only one of the two has are shown before.

        de-tasks promote --from sales-stg --name sales
    """
    from de_tasks.appspec import check_app_name
    from de_tasks.deployment import promotion as promotions
    from de_tasks.repo.source import Deployed

    if not from_:
        raise UsageError("Say which app to promote: --from NAME.")
    if re.search(r"[:/.]", from_):
        raise UsageError(
            f"--from names an app of the same host, without an address: not {from_!r}."
        )
    if timeout:
        whole_number(timeout, "--timeout", least=1)
    values = settings(context, timeout=timeout)
    wanted, source = app_name(values, name), check_app_name(from_)
    connection = connect(context, json)
    if connection.de:
        raise NotAvailable("Not available through `de`: it does not tell what serves.")
    with ci.failures(wanted), shown(json, verbose) as tell:
        found = promotions.find(connection.platform, source, wanted, connection.host.name)
        way = remote(connection, values.branch, found.source.git_url)
        deployed = Deployed(found.build.sha, way)
        if not json:
            _show_files(connection, values, found, deployed)
        differ = promotions.differing(connection.platform, found)
        for app, names in ((source, differ.only_there), (wanted, differ.only_here)):
            if names and not json:
                console.note(f"Variables that only {app} has: {', '.join(names)}")
        if json:
            tell(_compared(found, differ))
        question = f"Promote build {found.build.id} of {source} to {wanted}?"
        if not dry_run and not console.confirm(question, yes):
            raise Declined("Nothing was deployed.")
        plan = plan_of(
            connection,
            values,
            name=wanted,
            source=deployed,
            confirm=lambda asked: console.confirm(asked, yes),
            message=found.subject,
            dry_run=dry_run,
            trailers=found.trailers,
            check=False,
        )
        done = deploy_of(plan, values, connection, tell).run()
    ci.report(done)
    return done


def _show_files(
    connection: Connection, values: Settings, found: Promotion, source: Deployed
) -> None:
    """Tell which files differ."""
    if found.target:
        cache = repository(values, connection, found.name)
        way = remote(connection, values.branch, found.target.git_url)
        with cache.snapshot(source, console.note) as snapshot:
            there = found.target.live is not None
            text = snapshot.compare(way, "--stat", "--no-renames", there=there)
        console.note(text.rstrip("\n") or f"The files are those of {found.name}.")


def _compared(found: Promotion, differ: Differing) -> Event:
    """What is promoted, and the variables by name, for programs."""
    from de_tasks.deployment.events import Event

    build = found.build
    facts: dict[str, object] = {
        "promoted": {"app": found.source.name, "number": int(build.id), "sha": build.sha},
        "variables": {"only_there": [*differ.only_there], "only_here": [*differ.only_here]},
    }
    return Event("step", f"Promoting build {build.id} of {found.source.name}", facts)
