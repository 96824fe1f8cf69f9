"""init: a project made ready to deploy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import invoke

from de_tasks.config.project import is_apps_own
from de_tasks.config.system import quoted
from de_tasks.errors import UsageError
from de_tasks.tasks.invoke_options import ITS_DRY_RUN
from de_tasks.tasks.task import settings, task
from de_tasks.terminal import console
from de_tasks.terminal.commands import typed

if TYPE_CHECKING:
    from de_tasks.config.settings import Settings
    from de_tasks.project.scaffold.plan import Choices, ScaffoldPlan
    from de_tasks.tasks.values import Prepared

NONE = "none"
TEMPLATE = "Begin with this app: dash, dash-postgres, dash-redis, streamlit, wsgi"


def _facts(done: Prepared) -> dict[str, object]:
    return {
        "app": done.app,
        "template": done.template or None,
        "ci": done.ci or None,
        "files": [{"path": f.path, "adds": f.adds, "text": f.text} for f in done.files],
        "words": list(done.words),
        "services": list(done.services),
        "written": done.written,
    }


@task(
    changes=ITS_DRY_RUN,
    facts=_facts,
    iterable=["without"],
    help={
        "template": TEMPLATE,
        "ci": "Workflow to write: github, gitlab, shell or none",
        "without": "Leave out tasks, settings, makefile, gitignore, pre-commit or ci",
        "migrate": "Write version 5's files from those of version 4, deleting nothing",
        "dry_run": "Show the files, and write nothing",
        "yes": "Ask nothing: take what is proposed",
    },
)
def init(
    context: invoke.Context,
    path: str = "",
    name: str = "",
    template: str = "",
    ci: str = "",
    without: Sequence[str] = (),
    migrate: bool = False,
    dry_run: bool = False,
    yes: bool = False,
) -> Prepared:
    """Make a folder ready to deploy: an app from a template, or what the app there lacks."""
    from de_tasks.project.scaffold import files, plan
    from de_tasks.tasks.values import Prepared

    values = settings(context, path=path)
    if path and not is_apps_own(context.config, path):
        values = replace(values, app="")
    folder = Path(values.path).expanduser()
    if migrate:
        if template or ci or without:
            raise UsageError("--migrate writes the files of version 5 alone: give it by itself.")
        return _migrate(folder, name or values.app, dry_run)
    choices = _choices(
        values=values, folder=folder, name=name, template=template, ci=ci, without=without, yes=yes
    )
    planned = plan.plan(folder, choices)
    done = Prepared(
        choices.app,
        choices.template,
        choices.ci,
        planned.files,
        planned.words,
        planned.services,
        written=not dry_run,
    )
    if dry_run:
        _show(planned)
        return done
    for file in files.write(folder, planned.files):
        verb = "Added to" if file.adds else "Wrote"
        console.result(f"{verb} {file.path}{f': {file.why}' if file.why else ''}")
    if not planned.files:
        console.result("Nothing to write: everything is there.")
    for words in planned.words:
        console.note(words)
    _tell_next(values, planned, folder, choices)
    return done


def _migrate(folder: Path, app: str, dry_run: bool) -> Prepared:
    from de_tasks.appspec import check_folder
    from de_tasks.project.scaffold import files, migrate, plan
    from de_tasks.tasks.values import Prepared

    check_folder(folder)
    made, words = migrate.migrate(folder)
    done = Prepared(app, "", "", made, words, (), written=not dry_run)
    if dry_run:
        _show(plan.ScaffoldPlan(made, words))
        return done
    for file in files.write(folder, made):
        console.result(f"Wrote {file.path}: {file.why}")
    if not made:
        console.result("Nothing to write for version 5.")
    for line in words:
        console.note(line)
    return done


def _choices(
    values: Settings,
    folder: Path,
    name: str,
    template: str,
    ci: str,
    without: Sequence[str],
    yes: bool,
) -> Choices:
    """What is wanted: what was typed, else answered, else what suits the folder."""
    from de_tasks.appspec import legal_app_name
    from de_tasks.config.host import LOOPBACK
    from de_tasks.project.scaffold import adopt, plan
    from de_tasks.repo.branches import address_of, default_branch, host_in, top_of

    here = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.is_dir())
    top = top_of(here)

    def ask(
        question: str,
        default: str,
        known: Sequence[str] = (),
        check: Callable[[str], None] = lambda answer: None,
    ) -> str:
        return default if yes else console.choose(question, default, known, check)

    fleet = bool(values.apps) and not template and not (folder / "Procfile").exists()
    fleet = fleet and (top is None or top.resolve() == folder.resolve())
    if not template and not fleet and not adopt.is_app(folder):
        if yes or not console.interactive() or adopt.why_none(folder):
            raise plan.no_app(folder)
        template = ask("There is no app here yet. Begin with", "dash", plan.app_templates())
    proposed = values.app or legal_app_name(folder.resolve().name) or "my-app"
    if fleet:
        app = proposed
    else:
        app = name or ask("Name of the app on Dash Enterprise", proposed, check=_check_typed)
        _check_name(app)
    if not ci and "ci" not in without:
        address = address_of(here, "origin") if top else ""
        likely = next((known for known in ("github", "gitlab") if known in host_in(address)), NONE)
        ci = ask("CI workflow", likely, (*plan.CI, NONE))
    lock = "" if template or fleet else _lock(folder, yes)
    host, _ = _known_host(values)
    local = not host or urlsplit(host).hostname in LOOPBACK
    return plan.Choices(
        app=app,
        template=template,
        ci="" if ci == NONE else ci,
        host="" if local else host,
        branch=default_branch(here) if top else "main",
        without=tuple(part.strip() for item in without for part in item.split(",")),
        top=top,
        lock=lock,
        fleet=fleet,
    )


def _lock(folder: Path, yes: bool) -> str:
    """The lock that the app is to be deployed from, where somebody says so; else empty."""
    from de_tasks.appspec import REQUIREMENTS
    from de_tasks.project.checks.lock_files import DEPLOYED

    found = next((name for name in DEPLOYED if (folder / name).is_file()), "")
    if yes or not found or (folder / REQUIREMENTS).exists() or not console.interactive():
        return ""
    answer = console.choose("Deploy the requirements of", found, (found, REQUIREMENTS))
    return "" if answer == REQUIREMENTS else found


def _check_typed(answer: str) -> None:
    """The same for an answer, which is typed without the option."""
    _check_name(answer, "")


def _check_name(app: str, option: str = "--name") -> None:
    from de_tasks.appspec import LONGEST_NAME, SHORTEST_NAME, check_app_name, legal_app_name

    check_app_name(app, option)
    if not SHORTEST_NAME <= len(app) <= LONGEST_NAME:
        legal = " ".join(filter(None, (option, legal_app_name(app))))
        raise UsageError(
            f"'{app}' has {len(app)} characters, and an app name has {SHORTEST_NAME} to "
            f"{LONGEST_NAME}. Try {legal}"
        )


def _show(planned: ScaffoldPlan) -> None:
    for file in planned.files:
        how = "added to its end" if file.adds else "new"
        console.result(f"--- {file.path} ({how}){f': {file.why}' if file.why else ''}")
        console.result(file.text)
    for words in planned.words:
        console.note(words)
    console.note("Nothing was written: this was a dry run.")


def _known_host(values: Settings) -> tuple[str, bool]:
    """The host of the settings, else of the last login, and whether there is a login to it."""
    from de_tasks.errors import DeTasksError
    from de_tasks.platform.connect import store

    try:
        kept = store(values)
        hosts = kept.hosts() if kept else []
        host = values.host or (kept.last_host() if kept else "")
    except DeTasksError:
        return values.host, False
    alone = bool(values.username and (values.api_key or values.password))
    return host, bool(host) and (alone or host in hosts)


def _ways_in(values: Settings, say: Callable[[str], str]) -> list[str]:
    """What to type so that there is a host to deploy to; nothing where one is logged in."""
    from de_tasks.config.host import Host
    from de_tasks.platform.local_sandbox import start_again

    host, logged_in = _known_host(values)
    if not host:
        yours = say("login --host example.plotly.host")
        return [f"{say('sandbox.start')}   (or, for a Dash Enterprise: {yours})"]
    if start := start_again(values, Host.of(host, values)):
        return [say(start)]
    return [] if logged_in else [say(f"login --host {host}")]


def _tell_next(values: Settings, planned: ScaffoldPlan, folder: Path, choices: Choices) -> None:
    from de_tasks.project.scaffold.plan import program

    say = functools.partial(typed, program=program(folder))
    place = "" if folder.resolve() == Path.cwd() else f"cd {quoted(str(folder))}\n  "
    steps = _ways_in(values, say)
    host, logged_in = _known_host(values)
    if planned.services:
        steps.append(say("create"))
    steps += [say(f"services.create --type {kind}") for kind in planned.services]
    steps.append(say("fleet.deploy --all" if choices.fleet else "deploy"))
    where = f", on {host} where you are logged in" if logged_in else ""
    console.note(f"Next{where}:\n  " + place + "\n  ".join(steps))
