"""The CI workflows: valid, safe with strangers, and their shell does the job on a real sandbox."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from de_tasks.project.scaffold import files, plan
from de_tasks.tasks import ci
from tests.support.people import Person
from tests.support.places import ROOT
from tests.support.repositories import Repository
from tests.support.visits import fetch
from tests.support.workflows import SCHEMAS, Runner, check, holds, pipeline, yaml

HOSTILE_BRANCH = "fix/`touch${IFS}pwned`;$(touch${IFS}pwned)'\"&&false"
HOSTILE_MESSAGE = 'Say "two"; $(touch pwned) `touch pwned` \' || exit 7 #'


def written(folder: Path, ci: str, app: str = "shop", branch: str = "main") -> Path:
    """A folder with an app, completed with a CI workflow; returns the workflow's file."""
    folder.mkdir(exist_ok=True)
    if not (folder / "Procfile").exists():
        (folder / "Procfile").write_text("web: python -m http.server $PORT\n")
    choices = plan.Choices(app, ci=ci, branch=branch)
    list(files.write(folder, plan.plan(folder, choices).files))
    return folder / plan.CI[ci][0]


def read(path: Path) -> Any:
    found = yaml.safe_load(path.read_text())
    # In YAML 1.1 the key `on` is the truth.
    return {"on" if key is True else key: value for key, value in found.items()}


@pytest.mark.parametrize("branch", ["main", "release/1.0", "on", "1.10", "a'b\"c"])
@pytest.mark.parametrize("ci", SCHEMAS)
def test_workflow_is_what_the_ci_system_reads(ci: str, branch: str, tmp_path: Path) -> None:
    path = written(tmp_path / "shop", ci, branch=branch)
    if branch == "main":
        check(ci, path)
    if ci == "github":
        assert read(path)["on"]["push"]["branches"] == [branch]
    settings = yaml.safe_load((tmp_path / "shop" / "invoke.yaml").read_text())["de"]
    assert settings["branches"] == {branch: "shop"}


# GitHub --------------------------------------------------------------------------------------


def event(name: str, action: str = "", fork: bool = False) -> dict[str, object]:
    """What GitHub says of an event."""
    return {
        "github.event_name": name,
        "github.event.action": action,
        "github.event.pull_request.head.repo.full_name": "stranger/shop" if fork else "us/shop",
        "github.repository": "us/shop",
    }


@pytest.mark.parametrize(
    ("values", "jobs"),
    [
        (event("push"), ["deploy"]),
        (event("pull_request", "opened"), ["preview"]),
        (event("pull_request", "synchronize"), ["preview"]),
        (event("pull_request", "closed"), ["close"]),
        (event("pull_request", "opened", fork=True), []),
        (event("pull_request", "closed", fork=True), []),
    ],
)
def test_github_runs_what_is_ours_alone(
    values: dict[str, object], jobs: list[str], tmp_path: Path
) -> None:
    workflow = read(written(tmp_path / "shop", "github"))
    assert [name for name, job in workflow["jobs"].items() if holds(job["if"], values)] == jobs


def test_github_gives_strangers_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "shop", "github")
    workflow = read(path)
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert not [step for step in steps if "${{" in step.get("run", "")]
    assert not [step for step in steps if "secrets" in str(step) and "uses" in step]
    checkouts = [step for step in steps if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert len(checkouts) == 2 and "secrets" not in str(workflow["env"])


def test_github_has_an_environment_for_each_preview(tmp_path: Path) -> None:
    jobs = read(written(tmp_path / "shop", "github"))["jobs"]
    number = "${{ github.event.pull_request.number }}"
    assert jobs["preview"]["environment"]["name"] == f"preview/{number}"
    assert jobs["deploy"]["environment"]["name"] == "production"


def test_github_takes_the_outputs_without_a_script_of_its_own(tmp_path: Path) -> None:
    jobs = read(written(tmp_path / "shop", "github"))["jobs"]
    for name, job in jobs.items():
        (script,) = [s["run"] for s in job["steps"] if "DE_TASKS" not in s.get("run", "DE_TASKS")]
        assert len(script.splitlines()) == 1, name
        if name != "close":
            assert job["environment"]["url"] == f"${{{{ steps.{name}.outputs.url }}}}"


def test_github_does_not_delete_while_it_deploys(tmp_path: Path) -> None:
    workflow = read(written(tmp_path / "shop", "github"))
    group = "deploy-${{ github.event.pull_request.number || github.ref }}"
    assert workflow["concurrency"] == {"group": group}


# GitLab --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "jobs"),
    [
        (pipeline("push", branch="main"), ["deploy"]),
        (pipeline("push", branch="other"), []),
        (pipeline("merge_request_event"), ["preview", "close"]),
        (pipeline("merge_request_event", project=2), []),
    ],
)
def test_gitlab_runs_what_is_ours_alone(
    values: dict[str, object], jobs: list[str], tmp_path: Path
) -> None:
    workflow = read(written(tmp_path / "shop", "gitlab"))
    found = {n: job["rules"][0] for n, job in workflow.items() if "rules" in job}
    assert [name for name, rule in found.items() if holds(rule["if"], values)] == jobs
    # GitLab starts it when the environment of the merge request stops.
    assert found["close"]["when"] == "manual" and found["close"]["allow_failure"] is True
    assert workflow["preview"]["environment"]["on_stop"] == "close"
    assert workflow["close"]["environment"]["action"] == "stop"


def test_gitlab_takes_the_outputs_without_a_script_of_its_own(tmp_path: Path) -> None:
    workflow = read(written(tmp_path / "shop", "gitlab"))
    fleet = read(ROOT / "templates" / "ci" / "fleet-gitlab.yml")
    for job in (workflow["deploy"], workflow["preview"], fleet[".fleet-app"]):
        assert len(job["script"]) == 1 and job["environment"]["url"] == "$url"
        assert job["artifacts"]["reports"] == {"dotenv": ci.DOTENV}


# The shell of each, run ----------------------------------------------------------------------

Job = Callable[[str, Path, str], list[tuple[str, dict[str, str]]]]


def github_job(name: str, path: Path, branch: str) -> list[tuple[str, dict[str, str]]]:
    """The scripts of a job with their own variables, as GitHub would run them."""
    values = {"github.head_ref": branch}
    found = []
    for step in read(path)["jobs"][{"main": "deploy"}.get(name, name)]["steps"]:
        given = {
            key: values[words]
            for key, text in step.get("env", {}).items()
            if (words := text.strip("${} ")) in values
        }
        if "run" in step and step["run"] != 'pip install "$DE_TASKS"':
            found.append((step["run"], given))
    return found


def gitlab_job(name: str, path: Path, branch: str) -> list[tuple[str, dict[str, str]]]:
    """The script of a job, as GitLab would run it."""
    job = read(path)[{"main": "deploy"}.get(name, name)]
    given = {
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": branch,
        "GITLAB_CI": "true",
        "CI_PROJECT_DIR": str(path.parent),
    }
    return [("\n".join(job["script"]), given)]


def shell_job(name: str, path: Path, branch: str) -> list[tuple[str, dict[str, str]]]:
    """A call of the script, as any other CI system would make it."""
    return [
        (
            f'"{path}" {name} {"" if name == "main" else chr(34) + "$WHICH" + chr(34)}',
            {"WHICH": branch},
        )
    ]


JOBS: dict[str, Job] = {"github": github_job, "gitlab": gitlab_job, "shell": shell_job}


def test_workflows_do_their_job(runner: Runner, dev: Person, page: Path, tmp_path: Path) -> None:
    app = page.name
    paths = {kind: written(page, kind, app) for kind in JOBS}
    repository = Repository.make(page)
    nowhere = tmp_path / "nothing is checked out"
    nowhere.mkdir()

    def run(job: str, folder: Path) -> None:
        # One after the other: what the first has done, the others must leave so.
        for kind, path in paths.items():
            for script, variables in JOBS[kind](job, path, HOSTILE_BRANCH):
                runner.run(script, folder, variables)

    run("main", page)
    assert dev.inv("services.create", "--app-name", app, "--type", "redis").code == 0
    repository.git("checkout", "-q", "-b", HOSTILE_BRANCH)
    (page / "index.html").write_text("hello two")
    repository.commit(HOSTILE_MESSAGE)
    run("preview", page)
    (preview,) = json.loads(dev.inv("preview.list", "--name", app, "--json").out)
    assert preview["branch"] == HOSTILE_BRANCH and fetch(preview["url"]) == (200, "hello two")
    (deploy,) = json.loads(dev.inv("history", "--name", preview["name"], "--json").out)
    assert deploy["message"] == HOSTILE_MESSAGE
    for told in (runner.home / "output", page / ci.DOTENV):
        words = {line.rpartition("url=")[2] for line in told.read_text().splitlines()}
        assert preview["url"] in words
    run("close", nowhere)
    assert json.loads(dev.inv("preview.list", "--name", app, "--json").out) == []
    services = json.loads(dev.inv("services.list", "--json").out)
    assert [s["name"] for s in services if app in s["name"]] == [f"{app}-redis"]
    assert not list(tmp_path.rglob("pwned"))


def test_script_says_how_it_is_called(tmp_path: Path) -> None:
    script = str(written(tmp_path / "shop", "shell"))
    for words in ([], ["preview"], ["main", "x"], ["close", ""], ["deploy"]):
        done = subprocess.run([script, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "usage: " in done.stderr


def test_failed_deploy_fails_the_job(runner: Runner, page: Path) -> None:
    path = written(page, "github", page.name)
    (page / "Procfile").write_text("web: exit 3\n")
    Repository.make(page)
    ((script, variables),) = github_job("main", path, "")
    with pytest.raises(AssertionError, match="failed"):
        runner.run(script, page, variables)
    assert not (runner.home / "output").exists()


def test_plain_makefile_project(runner: Runner, page: Path) -> None:
    documented = ROOT / "docs" / "templates.md"
    (text,) = re.findall(r"```make\n(.*?)```", documented.read_text(), re.DOTALL)
    assert len(text.splitlines()) == 3 and text.startswith("deploy: ; inv deploy\n")
    (page / "tasks.py").write_text("from de_tasks import ns\n")
    (page / "Makefile").write_text(text.replace("inv deploy", "inv deploy -y"))
    assert "is live after" in runner.run("make deploy && make status", page, {})
    (page / "Procfile").write_text("web: exit 3\n")
    runner.run("make deploy || test $? = 2", page, {})
