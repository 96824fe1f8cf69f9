"""de-preview and de-prune-previews: real git hooks, against a real sandbox."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.people import PROGRAMS, Person
from tests.support.places import ROOT
from tests.support.platforms import platform_of
from tests.support.repositories import Repository
from tests.support.visits import fetch


def install(repository: Repository, hook: str, program: str) -> None:
    """Write a plain hook that calls one of our programs, as git does."""
    path = repository.folder / ".git" / "hooks" / hook
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {PROGRAMS / program} "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def repository(dev: Person, page: Path, sandbox: control.Running) -> Repository:
    """The app, created, in a repository with our hooks, which may create apps."""
    platform_of(sandbox, dev.name).create_app(page.name)
    made = Repository.make(page, dev.variables({"INVOKE_DE_HOOKS_YES": "1"}))
    install(made, "pre-push", "de-preview")
    install(made, "post-merge", "de-prune-previews")
    made.git("push", "-q", "origin", "main")
    return made


def listed(dev: Person, repository: Repository) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(
        dev.inv("preview.list", "--json", folder=repository.folder).out
    )
    return found


def test_pushed_branch_has_a_preview_until_it_is_gone(dev: Person, repository: Repository) -> None:
    assert listed(dev, repository) == []
    file = repository.folder / "index.html"
    file.write_text("hello branch")
    repository.git("checkout", "-q", "-b", "fix/it")
    commit = repository.commit("Say it")
    file.write_text("dirty")
    done = repository.run("push", "origin", "HEAD~:refs/heads/mapped", "fix/it", "--tags")
    assert done.returncode == 0, done.stderr
    assert f"{commit[:10]} (fix/it)" in done.stderr and "the preview of fix/it" in done.stderr
    previews = {item["branch"]: item["url"] for item in listed(dev, repository)}
    assert {b: fetch(url)[1] for b, url in previews.items()} == {
        "mapped": "hello one",
        "fix/it": "hello branch",
    }
    repository.git("checkout", "-q", "-f", "main")
    repository.git("branch", "-q", "-D", "fix/it")
    repository.git("push", "-q", "origin", "--delete", "fix/it")
    for yes, words in (
        ("0", "to delete: de-tasks preview prune"),
        ("1", "deleted, since branch fix/it"),
    ):
        repository.variables["INVOKE_DE_HOOKS_YES"] = yes
        repository.git("checkout", "-q", "-B", "merged")
        repository.commit("Merge me")
        repository.git("checkout", "-q", "main")
        assert words in repository.run("merge", "merged").stderr
    assert [item["branch"] for item in listed(dev, repository)] == ["mapped"]


def test_no_preview_is_created_without_a_yes(dev: Person, repository: Repository) -> None:
    del repository.variables["INVOKE_DE_HOOKS_YES"]
    done = repository.run("push", "origin", "main:feature")
    assert done.returncode == 0 and "de-tasks preview deploy --branch feature --ref" in done.stderr
    assert listed(dev, repository) == []


def test_branch_with_an_app_of_its_own_has_no_preview(dev: Person, repository: Repository) -> None:
    app = repository.folder.name
    configuration = f"de:\n  branches: {{main: {app}, stage: {app}-s}}\n"
    (repository.folder / "invoke.yaml").write_text(configuration)
    assert repository.run("push", "origin", "main:stage").returncode == 0
    assert listed(dev, repository) == []
    refused = dev.inv("preview.deploy", "-y", "--branch", "stage", folder=repository.folder)
    assert refused.code == 2 and f"is deployed to {app}-s" in refused.err


def test_failed_preview_stops_the_push(dev: Person, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "broken")
    (repository.folder / "Procfile").write_text("web: exit 3\n")
    repository.commit("Break")
    done = repository.run("push", "origin", "broken")
    assert (
        done.returncode == 1 and "but did not start" in done.stderr and "DE_SKIP=1" in done.stderr
    )
    (preview,) = listed(dev, repository)
    assert preview["build"] == "failed"
    repository.variables["DE_SKIP"] = "1"
    assert repository.run("push", "origin", "broken").returncode == 0


def test_documented_hooks_run_under_pre_commit(
    dev: Person, repository: Repository, tmp_path: Path
) -> None:
    documented = ROOT / "docs" / "previews.md"
    blocks = re.findall(r"```yaml\n(.*?)```", documented.read_text(), re.DOTALL)
    (text,) = (block for block in blocks if "de-prune-previews" in block)
    (repository.folder / ".pre-commit-config.yaml").write_text(text)
    repository.commit("Hooks")
    for hook in ("pre-push", "post-merge"):
        (repository.folder / ".git" / "hooks" / hook).unlink()
    repository.variables |= {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
    }
    repository.pre_commit("install")
    repository.git("checkout", "-q", "-b", "topic")
    pushed = repository.run("push", "origin", "topic")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert [item["branch"] for item in listed(dev, repository)] == ["topic"]
    repository.git("checkout", "-q", "-b", "next")
    repository.commit("More")
    repository.git("branch", "-q", "-D", "topic")
    repository.git("push", "-q", "--no-verify", "origin", "--delete", "topic")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "next")
    assert listed(dev, repository) == []


def test_preview_that_cannot_run_is_not_made(dev: Person, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "unfit")
    (repository.folder / "Procfile").write_text("worker: sleep 1\n")
    repository.commit("Break")
    done = repository.run("push", "origin", "unfit")
    assert done.returncode == 1 and "[no-web]" in done.stderr
    assert listed(dev, repository) == []
