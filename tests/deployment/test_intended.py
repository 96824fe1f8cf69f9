"""A deploy that was hardly meant: from another branch, or all apps of a repository as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleets import fleet_folder
from tests.support.people import Done, Person
from tests.support.repositories import Repository

ASKED = "de.branches does not map feature to {app} (main: {app}). Deploy feature to {app}?"


@pytest.fixture
def repository(page: Path) -> Repository:
    """The app's folder on a branch that maps to nothing."""
    (page / "invoke.yaml").write_text(
        f"de:\n  app: {page.name}\n  branches: {{main: {page.name}}}\n"
    )
    made = Repository.make(page)
    made.git("switch", "-q", "-c", "feature")
    return made


@pytest.fixture
def here(nobody: Person) -> Person:
    """Somebody without a login: the question comes first."""
    return nobody


def deploy(person: Person, repository: Repository, *options: str, typed: str = "") -> Done:
    return person.inv(
        "deploy", *options, folder=repository.folder, stdin=typed, terminal=bool(typed)
    )


def test_other_branch_is_deployed_after_a_yes(here: Person, repository: Repository) -> None:
    asked = ASKED.format(app=repository.folder.name)
    done = deploy(here, repository)
    assert (
        done.code == 2 and done.err == f"There is no terminal to ask: {asked} To say yes, give -y\n"
    )
    no = deploy(here, repository, typed="n\n")
    assert no.code == 1 and f"{asked} [y/N]" in no.err and "Nothing was deployed." in no.err
    # Agreed to: what is missing next is a login.
    assert deploy(here, repository, typed="y\n").code == 4
    assert deploy(here, repository, "-y").code == 4


def test_mapped_branch_commit_and_dry_run_are_not_asked_about(
    here: Person, repository: Repository
) -> None:
    assert deploy(here, repository, "--ref", "HEAD").code == 4
    assert deploy(here, repository, "--dry-run").code == 4
    repository.git("switch", "-q", "main")
    assert deploy(here, repository).code == 4
    assert "does not map main to other" in deploy(here, repository, "--name", "other").err


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({}, 4),
        ({"GITHUB_REF_NAME": "main"}, 4),
        ({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, 4),
        ({"CI_COMMIT_BRANCH": "main"}, 4),
        ({"GITHUB_REF_NAME": "feature", "CI": "true"}, 2),
        ({"CI_COMMIT_BRANCH": "feature", "CI": "true"}, 2),
    ],
)
def test_branch_of_a_detached_head_is_that_of_the_ci_job(
    variables: dict[str, str], code: int, here: Person, repository: Repository
) -> None:
    repository.git("switch", "-q", "--detach")
    here.environment |= variables
    done = deploy(here, repository)
    assert done.code == code and ("does not map feature" in done.err) == (code == 2)
    assert deploy(here, repository, "-y").code == 4


def test_top_of_a_fleet_names_the_command_for_it(here: Person, tmp_path: Path) -> None:
    names = fleet_folder(tmp_path / "mono", "top", 2)
    done = here.inv("deploy", "-y", folder=tmp_path / "mono")
    assert done.code == 2 and f"the apps {names[0]} and {names[1]}" in done.err
    assert done.err.endswith(
        "Deploy them: inv fleet.deploy --all, or one: inv deploy --path PATH\n"
    )
    assert here.run("deploy mono -y", folder=tmp_path).code == 2
    # One of them, and a top that is an app itself, are deployed as ever.
    assert here.run(["deploy", f"mono/{names[0]}", "-y"], folder=tmp_path).code == 4
    (tmp_path / "mono" / "Procfile").write_text("web: true\n")
    assert here.run("deploy mono -y", folder=tmp_path).code == 4
