"""Whose configuration governs a folder: that of the nearest invoke.yaml, wherever one stands."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import invoke
import pytest

from de_tasks.config.settings import Settings
from de_tasks.githooks import runner
from de_tasks.tasks.task import settings
from tests.support.people import TASKS, Person

PROGRAMS = ("inv", "de-tasks")


@pytest.fixture
def projects(dev: Person) -> Path:
    """A folder with two projects, a plain folder, and the user's own configuration."""
    for name in ("wsgi", "dash", "plain"):
        (dev.home / name / "src").mkdir(parents=True)
        for folder in (name, f"{name}/src"):
            (dev.home / folder / "Procfile").write_text("web: python -m http.server $PORT\n")
        (dev.home / name / "tasks.py").write_text(TASKS)
    wsgi = (
        "app: the-wsgi, host: wsgi.example, branches: {main: the-wsgi}, check: {ignore: [no-web]}"
    )
    (dev.home / "wsgi" / "invoke.yaml").write_text(f"de: {{{wsgi}}}\n")
    (dev.home / "dash" / "invoke.yaml").write_text("de: {app: the-dash}\n")
    (dev.home / ".invoke.yaml").write_text("de: {check: {limit: 7}}\n")
    return dev.home


def run(person: Person, program: str, line: str, folder: Path) -> tuple[str, str]:
    """What a command says; under `inv` the folder is named by an option."""
    words = line.split()
    if program == "inv":
        done = person.inv(*words, folder=folder)
    else:
        done = person.run([word for word in words if word != "--path"], folder=folder)
    return done.out, done.err


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("folder", ["../dash", "../dash/src"])
def test_folder_of_another_project_has_that_ones_app(
    dev: Person, projects: Path, program: str, folder: str
) -> None:
    out, err = run(dev, program, f"deploy --path {folder} --dry-run", projects / "wsgi")
    assert err.startswith(f"Deploying the-dash (app of ../dash/invoke.yaml) to {dev.host} as ")
    assert "dry run" in out


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "command", ["deploy --dry-run", "diff", "run --with-env", "preview.deploy"]
)
def test_project_below_has_its_own_app(
    dev: Person, projects: Path, program: str, command: str
) -> None:
    (projects / "invoke.yaml").write_text("de: {app: above}\n")
    name, *options = command.split()
    line = " ".join([name, "--path", "dash", *options])
    if name == "preview.deploy":
        line += " --branch x -y"
    out, err = run(dev, program, line, projects)
    assert "the-dash" in out + err and "above" not in out + err


@pytest.fixture
def values(projects: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """What a task in `wsgi` has of settings for a folder."""
    monkeypatch.chdir(projects / "wsgi")
    monkeypatch.setenv("HOME", str(projects))
    config = invoke.Config(project_location=projects / "wsgi")
    config.load_project()
    config.load_collection({"de": {"branch": "from-collection"}})
    return functools.partial(settings, invoke.Context(config))


def test_other_file_replaces_the_project_level_whole(
    projects: Path, monkeypatch: pytest.MonkeyPatch, values: Callable[..., Settings]
) -> None:
    monkeypatch.setenv("INVOKE_DE_TIMEOUT", "11")
    assert values().app == values(path="src").app == values(path="../plain").app == "the-wsgi"
    there = values(path="../dash")
    assert (there.app, there.host, there.branches, there.check_ignore) == ("the-dash", "", {}, ())
    assert (there.branch, there.check_limit, there.timeout) == ("from-collection", 7, 11)
    monkeypatch.setenv("INVOKE_DE_PATH", "../dash")
    assert values().app == runner.settings("").app == "the-dash"


def test_project_below_the_tasks_governs_itself(
    projects: Path, monkeypatch: pytest.MonkeyPatch, values: Callable[..., Settings]
) -> None:
    (projects / "wsgi" / "src" / "invoke.yaml").write_text("de: {app: the-source}\n")
    monkeypatch.chdir(projects / "wsgi" / "src")
    assert values().app == "the-source"
    monkeypatch.chdir(projects / "dash")
    assert values().app == "the-wsgi", "invoke was told to take its tasks"


@pytest.mark.parametrize("folder", ["new", "../new"])
def test_new_project_is_not_named_after_another(dev: Person, projects: Path, folder: str) -> None:
    done = dev.inv("init", "--path", folder, "--template", "wsgi", "-y", folder=projects / "wsgi")
    assert done.code == 0, done.err
    assert "app: new\n" in (projects / "wsgi" / folder / "invoke.yaml").read_text()


def test_fault_of_another_projects_file_is_named(dev: Person, projects: Path) -> None:
    (projects / "dash" / "invoke.yaml").write_text("de: {app\n")
    done = dev.inv("deploy", "--path", "../dash", folder=projects / "wsgi")
    assert done.code == 2 and "dash/invoke.yaml:2:1: " in done.err


def test_deploy_says_where_the_app_is_from_when_it_is_not_obvious(
    dev: Person, projects: Path
) -> None:
    def first(*options: str, folder: Path) -> str:
        done = dev.inv("deploy", "--dry-run", *options, folder=folder)
        return done.err.split(" to ")[0]

    wsgi = projects / "wsgi"
    assert first(folder=wsgi) == first("--path", "src", folder=wsgi) == "Deploying the-wsgi"
    assert first("--path", "../plain", folder=wsgi) == "Deploying the-wsgi (app of invoke.yaml)"
    assert first("--path", "../dash", "--name", "other", folder=wsgi) == "Deploying other"
    dev.environment["INVOKE_DE_APP"] = "exported"
    assert first(folder=wsgi) == "Deploying exported (app of INVOKE_DE_APP)"


def test_no_code_of_a_folder_that_is_named_is_run(dev: Person, projects: Path) -> None:
    (projects / "plain" / "invoke.py").write_text("raise SystemExit('run')\n")
    out, err = run(dev, "de-tasks", "check --path ../plain", projects / "wsgi")
    assert out == "" and "plain/invoke.py is a program of the folder that was named" in err


PATHS = "{ca_path: certs/ca.pem, executable: bin/de, sandbox: {data: sand}, keyfile: ~/login}"


@pytest.mark.parametrize("below", ["", "src"])
def test_relative_path_in_a_file_starts_from_the_files_folder(
    dev: Person, projects: Path, below: str
) -> None:
    (projects / "wsgi" / "invoke.yaml").write_text(f"de: {PATHS}\n")
    (projects / ".invoke.yaml").write_text("de: {cache: kept}\n")
    folder = projects / "wsgi"
    dev.environment["INVOKE_DE_KEYFILE"] = ""
    done = dev.run("doctor --json", folder=folder / below)
    found = {n: s["value"] for n, s in json.loads(done.out)["settings"].items()}
    where = {n: str((folder / below / found[n]).resolve()) for n in ("ca_path", "executable")}
    assert where == {"ca_path": f"{folder}/certs/ca.pem", "executable": f"{folder}/bin/de"}
    assert (folder / below / found["sandbox_data"]).resolve() == folder / "sand"
    assert (found["keyfile"], found["cache"]) == ("~/login", str(projects / "kept"))
