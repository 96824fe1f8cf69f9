"""invoke's own options: a dry run does nothing, a limit of time ends a task, git is echoed."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import invoke
import pytest

import de_tasks
from de_tasks.tasks import invoke_program
from de_tasks.tasks.invoke_options import ITS_DRY_RUN, READS
from de_tasks.tasks.task import DeTask
from tests.support.apps import held_back
from tests.support.canaries import ROWS, contents
from tests.support.people import Person
from tests.support.repositories import Repository

TASKS: dict[str, DeTask] = {name: de_tasks.ns[name] for name in ROWS}
READING = {
    *("access.list", "access.user"),
    *("apps.exists", "apps.export", "apps.info", "apps.list", "apps.logs", "apps.plan"),
    *("apps.status", "apps.users"),
    *("check", "diff", "doctor"),
    *(
        "fleet.matrix",
        "fleet.status",
        "history",
        "hooks.status",
        "logs",
        "preview.list",
        "sandbox.api-key",
    ),
    *("sandbox.status", "services.exists", "services.list", "status", "variables.list"),
    "whoami",
}
"""Tasks that change nothing, wherever."""
NEEDS_MORE = {"promote", "apps.transfer"}
"""Whose dry runs are tested with what they need, in `test_promotion.py` and `test_transfer.py`."""


def test_every_task_says_whether_it_changes_anything() -> None:
    assert {name for name, task in TASKS.items() if task.changes == READS} == READING
    for name, task in TASKS.items():
        parameters = inspect.unwrap(task.body).__code__.co_varnames
        assert (task.changes == ITS_DRY_RUN) == ("dry_run" in parameters), name


@pytest.mark.parametrize("name", sorted(set(TASKS) - READING - NEEDS_MORE))
def test_dry_run_of_a_task_changes_nothing(name: str, dev: Person, page: Path) -> None:
    Repository.make(page).git("push", "-q", "origin", "main")
    page.joinpath("invoke.yaml").write_text("de: {apps: [{name: shop, path: .}]}\n")
    page.joinpath("tasks.py").write_text("from de_tasks import ns\n")
    dev.environment["INVOKE_DE_CACHE"] = str(dev.home / "cache")
    dev.environment["INVOKE_DE_SANDBOX_DATA"] = str(dev.home / "data")
    before = dict(contents(page)), dev.keyfile.read_text()
    done = dev.inv("-R", name, *ROWS[name].good[0].split(), folder=page)
    assert done.code == 0 and done.opened == (), done.err
    assert re.search("^Would |dry run|There is no preview of", done.out + done.err), done
    assert (dict(contents(page)), dev.keyfile.read_text()) == before
    assert not (dev.home / "data").exists() and not (page / "../fresh").exists()
    assert dev.inv("apps.list").out.count("\n") == 1


def test_dry_run_under_both_programs(dev: Person) -> None:
    words = f"Would delete app shop from {dev.host} with its code and logs. Nothing was done"
    assert dev.inv("--dry", "delete", "--name", "shop", "-y").out.startswith(words)
    for option in ("-R", "--dry"):
        assert dev.run(f"{option} delete --name shop -y").out.startswith(words)


def test_dry_run_never_shows_the_value_of_a_variable(dev: Person) -> None:
    line = "--add-environment-variable TOKEN=s3cret --title Sales"
    done = dev.inv("-R", "apps.update", "--name", "shop", *line.split())
    assert "Would change app shop: --add-environment-variable, --title." in done.out
    assert "s3cret" not in done.out + done.err


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_time_limit_of_a_command_bounds_a_deploy(
    program: str, dev: Person, page: Path, hold: Path
) -> None:
    (page / "Procfile").write_text(held_back(hold))
    done = dev.run(f"-T 1 deploy --path {page} -y", program=program)
    assert done.code == 75, done.err
    assert "Not finished within 1 s, the limit set by -T (timeouts.command)." in done.err


def test_invoke_is_made_to_explain_itself_once() -> None:
    before = invoke.Config.load_project, invoke.Program.parse_tasks
    invoke_program.improve()
    assert (invoke.Config.load_project, invoke.Program.parse_tasks) == before


def test_time_limit_that_is_no_number_is_named(nobody: Person) -> None:
    done = nobody.run("-T soon whoami")
    assert done.code == 2 and done.err.startswith("--command-timeout should be a whole number")


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_echo_shows_the_git_commands_without_secrets(program: str, dev: Person, page: Path) -> None:
    Repository.make(page).git("remote", "add", "other", "https://me:s3cret@127.0.0.1:1/x.git")
    done = dev.run(f"-e preview.prune --path {page} --remote other", program=program)
    assert done.code == 75 and "\ngit ls-remote --heads other\n" in f"\n{done.err}"
    done = dev.run(f"-e deploy --path {page} -y --no-wait", program=program)
    assert done.code == 0 and f"git remote-http {dev.host}/GIT/{page.name}" in done.err
    tokens = re.findall(r'"(?:access|refresh)_token": "([^"]+)"', dev.keyfile.read_text())
    assert tokens and not [token for token in tokens if token in done.err]
    assert "git " not in dev.run(f"diff --path {page} --stat", program=program).err


OTHER_NAMES = """
import de_tasks
from invoke import Collection

ns = Collection(ship=de_tasks.ns["deploy"], apps=de_tasks.ns.collections["apps"])
"""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ship --help", "--no-wait"),
        ("--help ship", "--no-wait"),
        ("--help=ship", "--no-wait"),
        ("-hship", "--no-wait"),
        ("--complete -- inv ship --", "--no-wait"),
        ("apps.create --help", "--template"),
        ("--complete -- inv apps.create --", "--template"),
    ],
)
def test_options_are_those_of_the_task_whatever_its_name(
    line: str, shown: str, nobody: Person
) -> None:
    (nobody.home / "tasks.py").write_text(OTHER_NAMES)
    done = nobody.inv(*line.split())
    assert done.code == 0 and shown in done.out, (done.out, done.err)


def test_options_of_two_tasks_in_one_line(dev: Person) -> None:
    done = dev.inv("whoami", "--json", "apps.list", "--json")
    assert done.code == 0 and dev.name in done.out and "[]" in done.out, (done.out, done.err)


def test_zsh_completes_options_from_one_word(nobody: Person) -> None:
    done = nobody.inv("--complete", "--", "inv deploy --no-w")
    assert done.code == 0 and "--no-wait" in done.out, (done.out, done.err)
