"""A project with files under the names of modules that we import: none of them is run by us."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from de_tasks import ns
from de_tasks.terminal.browser import open_page
from tests.support.apps import SERVER, app_folder
from tests.support.backstage import PASSWORD
from tests.support.people import Person
from tests.support.repositories import Repository
from tests.support.waiting import until

NEVER = "raise SystemExit('imported ' + __name__)\n"
"""What every file of the project says that is not for us."""
OURS = ("de_tasks", "tasks", "tests")
TWICE = {f"apps.{name}" for name in ("create", "logs", "update", "restart")}
"""Tasks that are in the line under another name."""
FAIL = {"cancel", "apps.apply", "apps.export", "apps.plan", "apps.transfer"}
"""Tasks that need more than an app, and would end the line: the canaries run them."""


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder with a raising file for every module of Python and of what is installed."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, *packages_distributions()} - {*OURS}:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(NEVER)
    app = app_folder(folder, "trapped", Procfile=SERVER)
    (folder / "invoke.yaml").write_text(
        f"de:\n  apps: [{app.name}]\n  check:\n    ignore: [no-requirements]\n"
    )
    Repository.make(folder).git("push", "-q", "origin", "main")
    return folder


def chain(dev: Person, tmp_path: Path, page: Path, quick: Path, trap: Path) -> list[str]:
    """A line for `inv` with every task, in an order in which each has what it needs."""
    name, data = f"--name {page.name}", tmp_path / "data"
    made = f"--name made-{page.name[-12:]}"
    (tmp_path / "env").write_text("KEY=value\n")
    (tmp_path / "ending").mkdir()
    (tmp_path / "ending" / "Procfile").write_text("web: true\n")
    return f"""
        logout  login --username {dev.name} --password-stdin  whoami  docs
        init --path {tmp_path}/new --template wsgi --yes  check --path {tmp_path}/new
        hooks.install  hooks.status  hooks.uninstall  create {made}  apps.delete {made}
        deploy -y --path {page}  deploy -y --path {quick} {name}  rollback -y {name}
        diff --path {page} {name} --names  history {name}  open {name}  restart {name}
        status {name}  logs {name}  update {name} --title x  run --path {tmp_path}/ending
        variables.set KEY {name} --env-file {tmp_path}/env  variables.list {name}
        variables.unset KEY {name}  apps.list  apps.exists {name}  apps.status {name}
        services.create --type redis --app-name {page.name}  services.list
        services.exists --type redis {name}  apps.info {name}  apps.users {name}
        services.update --type redis --memory 64Mi --app-name {page.name}
        access.list  access.user {dev.name}
        promote --from {page.name} {made}-p -y
        services.delete -y --type redis --app-name {page.name}
        preview.deploy -y --path {page} {name} --branch b --no-wait  preview.list {name}
        preview.delete -y {name} --branch b  preview.prune -y {name}
        fleet.matrix  fleet.deploy -y --all  fleet.status  delete -y {name}
        sandbox.start --data {data} --port 0 --no-login  sandbox.status --data {data}
        sandbox.add-user --username anne --data {data}  sandbox.api-key --data {data}
        sandbox.stop --data {data}  sandbox.reset -y --data {data}  doctor
    """.split()


@pytest.mark.sandbox
def test_no_task_takes_a_module_of_the_project(
    dev: Person, tmp_path: Path, page: Path, quick: Path, trap: Path
) -> None:
    words = chain(dev, tmp_path, page, quick, trap)
    assert not {name for name in ns.task_names if name not in words} - TWICE - FAIL
    done = dev.spawn(*words, folder=trap, stdin=f"{PASSWORD}\n")
    assert "imported" not in done.err and "Traceback" not in done.err, done.err
    # The last of them comes to its end, whatever it has found.
    assert f"login: Logged in as [{dev.name}]" in done.out, done.err


def test_no_hook_takes_a_module_of_the_project(dev: Person, trap: Path) -> None:
    commit = Repository(trap).git("rev-parse", "HEAD")
    pushed = "refs/heads/{0} " + commit + " refs/heads/{0} " + "0" * 40 + "\n"
    (app,) = trap.glob("trapped-*")
    dev.environment["INVOKE_DE_HOOKS_YES"] = "1"
    for hook, stdin in (
        ("de-check", ""),
        ("de-deploy origin address", pushed.format("main")),
        ("de-preview origin address", pushed.format("other")),
        ("de-prune-previews", ""),
    ):
        program, *words = hook.split()
        done = dev.spawn(f"--path={app.name}", *words, folder=trap, stdin=stdin, program=program)
        assert (done.code, "imported" in done.err) == (0, False), done.err
    # The remote never had the branch of that preview.
    assert "deleted, since" in done.err


def test_the_browser_is_not_opened_by_a_module_of_the_folder(
    trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.chdir(trap)
    open_page("http://localhost/page")
    until(lambda: seen.exists() and seen.read_text(), "the browser")
    assert seen.read_text() == "http://localhost/page\n"


def test_the_module_takes_no_module_of_the_folder(dev: Person, tmp_path: Path) -> None:
    # Python itself imports runpy and what that needs from there, before we are asked.
    for name in ("secrets", "queue", "platform", "requests"):
        (tmp_path / f"{name}.py").write_text(NEVER)
    python = Path(sys.executable).name
    done = dev.spawn("-m", "de_tasks", "whoami", folder=tmp_path, program=python)
    assert done.out.startswith("Logged in as"), done.err
