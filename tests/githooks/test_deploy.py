"""A plain pre-push hook, and a real `git push` to a bare remote, against a real sandbox."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.backstage import backstage
from tests.support.people import PROGRAMS, People, Person, log_in
from tests.support.repositories import Repository
from tests.support.visits import address, fetch
from tests.support.waiting import BOUND


def hooked(person: Person, folder: Path) -> Repository:
    """An app in a repository with our hook, which may create the app."""
    made = Repository.make(folder, person.variables())
    done = person.inv("hooks.install", "--path", str(folder))
    assert done.code == 0, done.err
    made.variables["INVOKE_DE_HOOKS_YES"] = "1"
    return made


@pytest.fixture
def repository(dev: Person, page: Path) -> Repository:
    return hooked(dev, page)


def test_pushed_commit_is_deployed_and_not_the_tree(dev: Person, repository: Repository) -> None:
    (repository.folder / "stashed").write_text("x")
    repository.git("stash", "-u")
    repository.git("checkout", "-q", "-b", "other")
    repository.say("unpushed")
    (repository.folder / "index.html").write_text("staged")
    repository.git("add", "index.html")
    (repository.folder / "index.html").write_text("dirty")
    before = repository.kept()
    done = repository.run("push", "origin", "main")
    assert done.returncode == 0, done.stderr
    assert repository.kept() == before
    assert fetch(address(dev, repository.folder)) == (200, "hello one")
    assert "is live after" in done.stderr
    history = json.loads(dev.inv("history", "--json", folder=repository.folder).out)
    assert history[0]["source"] == f"{repository.git('rev-parse', 'main')[:10]} (main)"


def test_push_from_a_worktree(dev: Person, repository: Repository) -> None:
    app = repository.folder.name
    (repository.folder / "invoke.yaml").write_text(f"de: {{branches: {{fix/it: {app}}}}}\n")
    repository.commit("Map")
    tree = Repository(repository.folder.parent / "tree", repository.variables)
    repository.git("worktree", "add", "-q", "-b", "fix/it", str(tree.folder))
    tree.say("worktree")
    done = tree.run("push", "origin", "fix/it")
    assert done.returncode == 0, done.stderr
    assert fetch(address(dev, repository.folder)) == (200, "hello worktree")


def test_app_in_a_folder_that_is_not_checked_out(dev: Person, tmp_path: Path, page: Path) -> None:
    top = tmp_path / "monorepo"
    (top / "apps").mkdir(parents=True)
    page.rename(top / "apps" / page.name)
    repository = Repository.make(top, {**dev.variables(), "INVOKE_DE_HOOKS_YES": "1"})
    installed = dev.inv("hooks.install", folder=top / "apps" / page.name)
    assert installed.code == 0, installed.err
    (top / "apps" / page.name / "tasks.py").unlink()
    repository.git("checkout", "-q", "-b", "other")
    repository.git("rm", "-q", "-r", "apps")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 0, done.stderr
    status = dev.inv("status", "--name", page.name, "--json")
    assert fetch(json.loads(status.out)["url"]) == (200, "hello one")


def test_what_does_not_deploy_needs_no_login(nobody: Person, page: Path) -> None:
    repository = Repository.make(page, nobody.variables())
    assert nobody.inv("hooks.install", folder=page).code == 0
    repository.git("tag", "v1")
    assert repository.run("push", "-q", "origin", "main:feature", "v1").stderr == ""
    assert repository.run("push", "-q", "origin", ":feature").stderr == ""
    done = repository.run("push", "-q", "origin", "main")
    assert done.returncode == 1
    words, *git = done.stderr.splitlines()
    assert words.startswith(f"de-deploy: You are not logged in to {nobody.host}")
    assert "DE_SKIP=1 git push" in words and git == [f"error: failed to push {git[0][22:]}"]


def test_every_ref_of_a_push_is_deployed(dev: Person, repository: Repository) -> None:
    app = repository.folder.name
    branches = f"de: {{branches: {{main: {app}, staging: {app}-stg}}}}\n"
    (repository.folder / "invoke.yaml").write_text(branches)
    repository.commit("Map")
    repository.git("checkout", "-q", "-b", "staging")
    repository.say("staging")
    done = repository.run("push", "origin", "main", "staging", "staging:feature")
    assert done.returncode == 0, done.stderr
    for name, words in ((app, "hello one"), (f"{app}-stg", "hello staging")):
        status = json.loads(dev.inv("status", "--name", name, "--json").out)
        assert fetch(status["url"]) == (200, words)


def test_no_fast_forward_is_refused(dev: Person, repository: Repository) -> None:
    repository.say("two")
    repository.git("push", "--no-verify", "origin", "main")
    repository.git("reset", "-q", "--hard", "HEAD~")
    done = repository.run("push", "--force", "origin", "main")
    assert done.returncode == 1 and "give --allow-forced" in done.stderr
    assert dev.inv("apps.exists", "--name", repository.folder.name, "--exit-code").code == 1
    forced = ("--allow-forced", "--preview", "--path", str(repository.folder))
    again = dev.inv("hooks.install", *forced)
    assert again.code == 0, again.err
    assert repository.run("push", "--force", "origin", "main").returncode == 0


def test_hook_creates_nothing_by_itself(dev: Person, repository: Repository) -> None:
    del repository.variables["INVOKE_DE_HOOKS_YES"]
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1
    assert "does not exist" in done.stderr and "set de.hooks_yes" in done.stderr
    assert "git push --no-verify" in done.stderr


def test_another_accounts_deploy_stays(people: People, repository: Repository) -> None:
    dev, admin = people["dev"], people["admin"]
    assert dev.inv("deploy", "-y", folder=repository.folder).code == 0
    repository.variables = admin.variables()
    (repository.folder / "tasks.py").unlink()
    repository.say("mine")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and f"was deployed by {dev.name}" in done.stderr
    assert fetch(address(dev, repository.folder)) == (200, "hello one")


def test_failed_deploy_stops_the_push_and_says_how_to_go_on(
    dev: Person, repository: Repository
) -> None:
    (repository.folder / "Procfile").write_text("web: exit 3\n")
    repository.commit("Break")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "but did not start" in done.stderr
    assert all(way in done.stderr for way in ("DE_SKIP=1", "--no-verify", "--warn-only"))
    assert repository.run("ls-remote", "--exit-code", "origin", "main").returncode == 2
    repository.git("push", "--no-verify", "origin", "main")
    repository.git("push", "-q", "--no-verify", "origin", "--delete", "main")
    repository.variables["DE_SKIP"] = "1"
    repository.git("push", "origin", "main")
    repository.git("push", "-q", "origin", "--delete", "main")
    repository.variables["DE_SKIP"] = ""
    dev.inv("hooks.install", "--warn-only", "--path", str(repository.folder))
    warned = repository.run("push", "origin", "main")
    assert warned.returncode == 0 and "since the hook only warns" in warned.stderr
    assert repository.git("ls-remote", "origin", "main")


def test_setting_reaches_a_hook(dev: Person, repository: Repository) -> None:
    (repository.folder / "invoke.yaml").write_text("de:\n  timeout: soon\n")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "de.timeout should be a whole number" in done.stderr
    (repository.folder / "invoke.yaml").write_text("de:\n  app: Not_Legal\n")
    repository.variables["INVOKE_DE_TIMEOUT"] = "7"
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "'Not_Legal' is not a legal app name" in done.stderr


@pytest.mark.parametrize("text", ["branches: {1.10: x, main: y}", "hooks: {yes: true}"])
def test_key_that_yaml_takes_for_no_text(text: str, repository: Repository) -> None:
    (repository.folder / "invoke.yaml").write_text(f"de:\n  {text}\n")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "Write it in quotes" in done.stderr


def test_hook_that_is_not_ours_stays(dev: Person, page: Path) -> None:
    Repository.make(page)
    hook = page / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\nexit 0\n")
    for task in ("install", "uninstall"):
        done = dev.inv(f"hooks.{task}", folder=page)
        assert done.code == 1 and str(hook) in done.err
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_hooks_path_is_honoured(dev: Person, page: Path) -> None:
    Repository.make(page).git("config", "core.hooksPath", "shared hooks")
    hook = page / "shared hooks" / "pre-push"
    assert dev.inv("hooks.install", folder=page).out == f"Wrote {hook}\n"
    assert str(PROGRAMS / "de-deploy") in hook.read_text()
    assert dev.inv("hooks.uninstall", folder=page).out == f"Removed {hook}\n"
    assert dev.inv("hooks.uninstall", folder=page).out == "There is no pre-push hook.\n"


def test_hooks_need_a_repository(dev: Person, page: Path) -> None:
    done = dev.inv("hooks.install", folder=page)
    assert done.code == 2 and "Type: git init" in done.err


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Person]:
    """A user of a sandbox that gives an app a long time to start."""
    running = control.start(tmp_path / "patient", {"port": 0, "start_timeout": 600})
    try:
        yield log_in(running, backstage(running).add(), tmp_path / "home")
    finally:
        control.stop(running)


def test_interrupted_push_sends_nothing_and_says_where_it_stands(
    patient: Person, page: Path
) -> None:
    (page / "Procfile").write_text("web: sleep 600\n")
    repository = hooked(patient, page)
    with repository.start("push", "origin", "main") as push:
        assert push.stderr
        said = ""
        for line in push.stderr:
            said += line
            if "Sent" in line:
                os.killpg(push.pid, signal.SIGINT)
        assert push.wait(BOUND) != 0 and "goes on building it" in said, said
        assert "To push all the same" not in said
    assert repository.run("ls-remote", "--exit-code", "origin", "main").returncode == 2


def test_commit_that_cannot_run_stops_the_push(dev: Person, repository: Repository) -> None:
    (repository.folder / "Procfile").write_text("worker: sleep 1\n")
    repository.commit("Break")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "[no-web]" in done.stderr and "--no-check" in done.stderr
    assert dev.inv("apps.exists", "--name", repository.folder.name, "--exit-code").code == 1
