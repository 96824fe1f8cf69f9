"""A CI's job hears of a deploy: outputs for what follows, and on GitHub a table in the summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from de_tasks.deployment.plan import Outcome
from de_tasks.tasks import ci
from tests.support.people import Person


@pytest.fixture
def job(dev: Person, tmp_path: Path) -> Path:
    """The folder of a job's files."""
    dev.environment |= {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "INVOKE_DE_CACHE": str(dev.home / "cache"),
    }
    return tmp_path


def outputs(job: Path) -> dict[str, str]:
    """What the steps that follow read, the last value of each name."""
    lines = (job / "output").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_deploy_hands_over_address_commit_and_change(dev: Person, page: Path, job: Path) -> None:
    assert dev.inv("deploy", "-y", folder=page).code == 0
    app = json.loads(dev.inv("status", "--json", folder=page).out)
    expected = {"url": app["url"], "sha": app["commit"]}
    assert outputs(job) == {**expected, "changed": "true"}
    head, rule, row = (job / "summary").read_text().strip().splitlines()
    assert head.count("|") == rule.count("|") == row.count("|") and page.name in row
    assert dev.inv("deploy", "-y", folder=page).code == 0
    assert outputs(job) == {**expected, "changed": "false"}
    assert "| unchanged |" in (job / "summary").read_text()


def test_fleet_has_a_row_for_each_app(dev: Person, page: Path, job: Path) -> None:
    apps = f"[{{name: {page.name}, path: .}}, {{name: {page.name}-2, path: .}}]"
    (page / "invoke.yaml").write_text(f"de: {{apps: {apps}}}\n")
    done = dev.inv("fleet.deploy", "--all", "-y", folder=page)
    assert done.code == 0, done.err
    _, _, *rows = (job / "summary").read_text().strip().splitlines()
    assert [page.name in row and "live" in row for row in rows] == [True, True]
    assert not (job / "output").exists()
    assert dev.inv("fleet.deploy", "--only", page.name, "-y", folder=page).code == 0
    status = json.loads(dev.inv("status", "--name", page.name, "--json").out)
    assert outputs(job) == {"url": status["url"], "sha": status["commit"], "changed": "false"}


def test_summary_says_why_a_deploy_failed(dev: Person, page: Path, job: Path) -> None:
    (page / "Procfile").write_text("web: exit 3\n")
    done = dev.inv("deploy", "-y", folder=page)
    assert done.code == 3 and not (job / "output").exists()
    row = (job / "summary").read_text().strip().splitlines()[-1]
    assert row.startswith(f"| {page.name} | failed |") and "ended with status 3" in row


def test_dry_run_and_failure_hand_nothing_over(dev: Person, page: Path, job: Path) -> None:
    dev.inv("deploy", "--dry-run", folder=page)
    assert dev.inv("deploy", folder=page).code == 2
    assert not (job / "output").exists() and not (job / "summary").exists()


def test_value_is_one_output_and_one_cell(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("output", "summary"):
        name = "GITHUB_OUTPUT" if kind == "output" else "GITHUB_STEP_SUMMARY"
        monkeypatch.setenv(name, str(job / kind))
    ci.report(Outcome("a|b<img>", "abc", "http://x/\nevil=1", changed=True))
    assert "evil" not in outputs(job)
    row = (job / "summary").read_text().strip().splitlines()[-1]
    assert row.startswith("| a\\|b\\<img\\> |")


def test_file_that_cannot_be_written_fails_no_deploy(dev: Person, page: Path, job: Path) -> None:
    dev.environment["GITHUB_OUTPUT"] = str(job)
    done = dev.inv("deploy", "-y", folder=page)
    assert done.code == 0 and f"{job} cannot be written" in done.err
    dev.environment |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(page)}
    (page / ci.DOTENV).parent.write_text("")
    done = dev.inv("deploy", "-y", folder=page)
    assert done.code == 0 and f"{page / ci.DOTENV} cannot be written: File exists." in done.err


def test_gitlab_has_the_outputs_in_a_report_that_is_never_deployed(dev: Person, page: Path) -> None:
    dev.environment |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(page)}
    for changed in ("true", "false"):
        assert dev.inv("deploy", "-y", folder=page).code == 0
        app = json.loads(dev.inv("status", "--json", folder=page).out)
        lines = (page / ci.DOTENV).read_text().splitlines()
        assert lines == [f"url={app['url']}", f"sha={app['commit']}", f"changed={changed}"]
