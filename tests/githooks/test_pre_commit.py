"""The hooks under the real pre-commit: as it installs them, and at a real `git push`."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

import de_tasks
from tests.support.people import PROGRAMS, Person
from tests.support.places import ROOT
from tests.support.repositories import Repository
from tests.support.visits import address, fetch

CONFIGURATION = ".pre-commit-config.yaml"


def manifest() -> list[dict[str, Any]]:
    """What we offer to pre-commit."""
    offered: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return offered


def local(hook: str) -> str:
    """Configuration with our hook as the manifest has it, run from this environment."""
    (entry,) = (item for item in manifest() if item["id"] == hook)
    entry |= {"language": "system", "entry": str(PROGRAMS / entry["entry"])}
    entry.pop("additional_dependencies", None)
    return str(yaml.safe_dump({"repos": [{"repo": "local", "hooks": [entry]}]}))


@pytest.fixture
def repository(dev: Person, page: Path, tmp_path: Path) -> Repository:
    """The app in a repository where pre-commit runs de-deploy at a push."""
    (page / CONFIGURATION).write_text(local("de-deploy"))
    made = Repository.make(page, {**dev.variables(), "PRE_COMMIT_HOME": str(tmp_path / "cache")})
    made.variables["INVOKE_DE_HOOKS_YES"] = "1"
    made.pre_commit("install", "--hook-type", "pre-push")
    return made


def test_pushed_commit_is_deployed(dev: Person, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "other")
    repository.say("unpushed")
    (repository.folder / "index.html").write_text("dirty")
    before = repository.kept()
    done = repository.run("push", "origin", "main", "--tags")
    assert done.returncode == 0, done.stdout + done.stderr
    after = repository.kept()
    # pre-commit itself puts the unstaged changes away and back, and git notes the files' new times.
    index = str(repository.folder / ".git" / "index")
    assert after | {index: b""} == before | {index: b""}
    assert fetch(address(dev, repository.folder)) == (200, "hello one")
    repository.git("checkout", "-q", "-f", "main")
    repository.say("two")
    done = repository.run("push", "origin", "main")
    assert "is live after" in done.stdout, done.stdout + done.stderr
    assert fetch(address(dev, repository.folder)) == (200, "hello two")


def test_one_branch_of_several_is_handed_over(dev: Person, repository: Repository) -> None:
    app = repository.folder.name
    branches = f"de: {{branches: {{one: {app}, two: {app}-two}}}}\n"
    (repository.folder / "invoke.yaml").write_text(branches)
    repository.commit("Map")
    repository.git("push", "origin", "main")
    repository.git("checkout", "-q", "-b", "one")
    repository.commit("One")
    repository.git("branch", "two")
    done = repository.run("push", "origin", "one", "two")
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [
        dev.inv("apps.exists", "--name", name, "--exit-code").code for name in (app, f"{app}-two")
    ]
    assert seen == [0, 1]


def test_what_does_not_deploy_needs_no_login(repository: Repository) -> None:
    repository.variables["INVOKE_DE_KEYFILE"] = str(repository.folder / "none.json")
    repository.git("push", "origin", "main:feature")
    repository.git("tag", "-a", "v1", "-m", "x")
    repository.git("push", "origin", "v1")
    repository.git("push", "origin", ":feature")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "You are not logged in" in done.stdout
    assert "- exit code: 4" in done.stdout


def test_colleague_pushed_in_the_meantime(dev: Person, repository: Repository) -> None:
    remote = f"{repository.folder}.remote"
    repository.git("push", "--no-verify", "origin", "main")
    other = Repository(repository.folder.parent / "other", repository.variables)
    repository.git("clone", "-q", "-b", "main", remote, str(other.folder))
    other.commit("theirs")
    other.git("push", "-q", "origin", "main")
    repository.commit("ours")
    done = repository.run("push", "origin", "main")
    assert done.returncode == 1 and "Pull first, or give --allow-forced" in done.stdout
    assert dev.inv("apps.exists", "--name", repository.folder.name, "--exit-code").code == 1


@pytest.mark.slow
def test_commit_without_a_procfile_is_stopped(page: Path, tmp_path: Path) -> None:
    (page / CONFIGURATION).write_text(local("de-check"))
    (page / "requirements.txt").write_text("")
    (page / "large").write_text("x")
    cache = {"PRE_COMMIT_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    repository = Repository.make(page, cache)
    repository.pre_commit("install")
    repository.git("rm", "-q", "Procfile")
    done = repository.run("commit", "-m", "Remove")
    assert done.returncode == 1 and "[no-procfile]" in done.stderr
    assert "DE_SKIP=1 git commit" in done.stderr
    repository.git("reset", "-q", "--hard")
    repository.git("rm", "-q", "large")
    repository.git("commit", "-m", "Remove")


@pytest.mark.slow
def test_pre_commit_tries_de_check(page: Path, tmp_path: Path, detector: str) -> None:
    repository = Repository.make(page, {"PRE_COMMIT_HOME": str(tmp_path / "cache")})
    (page / "requirements.txt").write_text("")
    (page / "settings.py").write_text("A = 'redis://me:hunter2pass@db.acme-corp.com/x'\n")
    repository.git("add", "--all")
    tried = ("try-repo", str(ROOT), "de-check")
    done = repository.run(*tried, program=str(PROGRAMS / "pre-commit"))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "settings.py:1: error: This looks like a secret" in done.stdout
    assert "1 error." in done.stdout


def test_pre_commit_installs_the_other_hooks(dev: Person, page: Path, tmp_path: Path) -> None:
    names = ("de-deploy", "de-preview", "de-prune-previews")
    head = Repository(ROOT).git("rev-parse", "HEAD")
    ours = {"repo": str(ROOT), "rev": head, "hooks": [{"id": name} for name in names]}
    (page / CONFIGURATION).write_text(yaml.safe_dump({"repos": [ours]}))
    made = Repository.make(page, {**dev.variables(), "PRE_COMMIT_HOME": str(tmp_path / "cache")})
    # That what we need is installed with us try-repo shows: here it is borrowed, in half the time.
    borrowed = {"PYTHONPATH": sysconfig.get_path("purelib")}
    made.variables |= {"INVOKE_DE_HOOKS_YES": "1", **borrowed}
    made.pre_commit("install", "--hook-type", "pre-push", "--hook-type", "post-merge")
    pushed = made.run("push", "origin", "main")
    assert f"{page.name} is live after" in pushed.stdout, pushed.stdout + pushed.stderr
    made.git("checkout", "-q", "-b", "topic")
    made.commit("Topic")
    pushed = made.run("push", "origin", "topic")
    assert "the preview of topic, like" in pushed.stdout, pushed.stdout + pushed.stderr
    made.git("push", "-q", "--no-verify", "origin", "--delete", "topic")
    made.git("checkout", "-q", "-b", "next", "main")
    made.git("branch", "-q", "-D", "topic")
    made.commit("Next")
    made.git("checkout", "-q", "main")
    merged = made.run("merge", "next")
    assert "since branch topic is gone" in merged.stdout + merged.stderr, merged.stderr
    assert dev.inv("preview.list", "--json", folder=page).out == "[]\n"


def test_docs_show_every_hook() -> None:
    text = (ROOT / "docs" / "hooks.md").read_text()
    block = text.partition("```yaml\ndefault_install")[2].partition("```")[0]
    (repo,) = yaml.safe_load(f"default_install{block}")["repos"]
    assert [hook["id"] for hook in repo["hooks"]] == [entry["id"] for entry in manifest()]
    assert repo["rev"] == f"v{de_tasks.__version__}"


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: str(entry["id"]))
def test_every_hook_is_a_program_that_can_be_skipped(entry: dict[str, Any], nobody: Person) -> None:
    assert f"`{entry['id']}`" in (ROOT / "docs" / "hooks.md").read_text()
    assert "--warn-only" in nobody.spawn("--help", program=entry["entry"]).out
    nobody.environment["DE_SKIP"] = "1"
    done = nobody.spawn(program=entry["entry"])
    assert done.code == 0 and done.err == f"{entry['id']}: skipped, since DE_SKIP is set.\n"
