"""The workflows of fleets: valid, and their shell spreads the apps over jobs that deploy them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from de_tasks.deployment.fleets import ci_matrix
from tests.support.fleets import SERVE, fleet_folder
from tests.support.people import Person
from tests.support.repositories import Repository
from tests.support.workflows import Runner, check, holds, pipeline, yaml


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone of a repository with three apps, as a runner has it."""
    folder = tmp_path / "mono"
    fleet_folder(folder, "job", 3)
    (folder / "tasks.py").write_text("from de_tasks import ns\n")
    return folder


def apps_of(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob("*/Procfile"))


def workflow(form: str, root: Path, dev: Person) -> Any:
    """The workflow as it is printed, checked against the schema of the CI system."""
    text = dev.inv("fleet.matrix", "--format", form, "--workflow", folder=root).out
    path = root / {"github": ".github/workflows/fleet.yml", "gitlab": ".gitlab/fleet.yml"}[form]
    path.parent.mkdir(parents=True)
    path.write_text(text)
    check(form, path)
    return yaml.safe_load(text)


def changed(root: Path, *names: str) -> tuple[str, str]:
    """Commit a change of these apps; returns the commit before, and what the jobs are to print."""
    made = Repository.make(root)
    before = made.git("rev-parse", "HEAD")
    for name in names:
        (root / name / "serve.py").write_text(SERVE + "\n")
    made.commit("change")
    return before, made.git("rev-parse", "HEAD")


def deploy(runner: Runner, root: Path, script: str, entries: list[dict[str, str]]) -> None:
    """Run the jobs of a matrix at once, as the CI's runners do, for one account."""

    def job(entry: dict[str, str]) -> str:
        return runner.run(script, root, {name.upper(): value for name, value in entry.items()})

    with ThreadPoolExecutor(len(entries)) as jobs:
        for out in jobs.map(job, entries):
            assert "live" in out


def test_github(runner: Runner, dev: Person, root: Path) -> None:
    found, apps = workflow("github", root, dev), apps_of(root)
    before, _ = changed(root, apps[0], apps[2])
    plan = next(step for step in found["jobs"]["plan"]["steps"] if step.get("id") == "plan")
    (run,) = [s for s in found["jobs"]["deploy"]["steps"] if "fleet.deploy" in s.get("run", "")]
    output = runner.home / "output"
    for value, expected in (
        (before, [apps[0], apps[2]]),
        ("f" * 40, apps),  # Forced away.
        ("", apps),  # Started by hand.
    ):
        runner.run(plan["run"], root, {"BEFORE": value})
        matrix = json.loads(output.read_text().splitlines()[-1].removeprefix("matrix="))
        assert [job["app"] for job in matrix["include"]] == expected
    deploy(runner, root, run["run"], matrix["include"])
    assert set(run["env"]) > {"APP", "SHARD"} and "${{" not in plan["run"] + run["run"]
    assert ci_matrix.github([]) in found["jobs"]["deploy"]["if"]


def test_gitlab(runner: Runner, dev: Person, root: Path) -> None:
    found, app = workflow("gitlab", root, dev), apps_of(root)[1]
    before, _ = changed(root, app)
    runner.run("\n".join(found["plan"]["script"]), root, {"CI_COMMIT_BEFORE_SHA": before})
    child = root / "child.yml"
    check("gitlab", child)
    jobs = yaml.safe_load(child.read_text())
    (names,) = jobs["deploy"]["parallel"]["matrix"]
    assert names == {"APP": app, "SHARD": "1/1"} and jobs["deploy"]["extends"] in jobs
    deploy(runner, root, "\n".join(jobs[jobs["deploy"]["extends"]]["script"]), [names])
    head = {"CI_COMMIT_BEFORE_SHA": "HEAD"}
    runner.run("\n".join(found["plan"]["script"]), root, head)
    check("gitlab", child)
    assert runner.run("\n".join(yaml.safe_load(child.read_text())["deploy"]["script"]), root, {})


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        (pipeline("push", branch="main"), True),
        (pipeline("push", branch="other"), False),
        (pipeline("merge_request_event"), False),
        (pipeline("parent_pipeline", branch="main"), False),
    ],
)
def test_gitlab_plans_once(
    values: dict[str, object], runs: bool, nobody: Person, root: Path
) -> None:
    found = workflow("gitlab", root, nobody)
    never, rule = found["plan"]["rules"]
    assert found["fleet"]["rules"] == found["plan"]["rules"] and never["when"] == "never"
    assert (holds(rule["if"], values) and not holds(never["if"], values)) is runs
