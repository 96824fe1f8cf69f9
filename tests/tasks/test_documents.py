"""What programs read: every command's JSON is what the schema says, and so is every failure."""

from __future__ import annotations

import json
import secrets
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema.protocols import Validator

import de_tasks
from de_tasks.tasks.task import DeTask
from tests.support.backstage import PASSWORD
from tests.support.people import Done, People, Person
from tests.support.places import ROOT
from tests.support.repositories import Repository

SCHEMA = json.loads((ROOT / "docs" / "json.schema.json").read_text())
TASKS: dict[str, DeTask] = {str(c.name): de_tasks.ns[c.name] for c in de_tasks.ns.to_contexts()}
LINES = ("logs", "deploy", "rollback", "promote")
"""Commands that print JSON lines; the last word of their names."""
WITHOUT = {"run"}
"""Commands that have no JSON."""
ALONE = {
    *("cancel", "sandbox.start", "sandbox.add-user", "sandbox.api-key", "sandbox.stop"),
    *("sandbox.reset", "apps.transfer"),
}
"""Commands that have a test of their own here, since they need a build that lasts, or a sandbox."""
WORKING_DAY = (
    "sandbox.status",
    "whoami",
    "init -y --name NAME",
    "check",
    "apps.create --name NAME-other",
    "deploy -y",
    "status",
    "apps.status",
    "apps.list",
    "access.list",
    "access.user USER",
    "apps.exists",
    "apps.info",
    "apps.users",
    "open",
    "apps.logs --type build",
    "logs",
    "variables.set KEY",
    "variables.list",
    "variables.unset KEY",
    "apps.export",
    "apps.export --all",
    "apps.plan --all",
    "apps.apply --all -y",
    "update --title Title --tag one",
    "services.create --type redis",
    "services.exists --type redis",
    "services.list",
    "services.update --type redis --memory 64Mi",
    "restart",
    "diff --names",
    "deploy -y --message again",
    "rollback -y",
    "promote --from NAME --name NAME-other -y",
    "history",
    "fleet.matrix",
    "fleet.matrix --workflow",
    "fleet.status",
    "fleet.deploy --all -y",
    "preview.deploy -y --branch feature",
    "preview.list",
    "preview.delete -y --branch feature",
    "preview.delete -y --branch feature --if-exists",
    "preview.prune",
    "hooks.install",
    "hooks.status",
    "hooks.uninstall",
    "docs",
    "doctor",
    "services.delete --type redis -y",
    "apps.delete --name NAME-other",
    "delete -y",
    "login --username USER --password-stdin",
    "logout",
)


def documents(done: Done, command: str) -> list[Any]:
    """What a command has printed: one document, or one a line."""
    if command.rpartition(".")[2] in LINES:
        return [json.loads(line) for line in done.out.splitlines()]
    return [json.loads(done.out)]


def hold(document: Any, where: str) -> None:
    """Hold a document to a part of the schema."""
    validator(where).validate(document)


@cache
def validator(where: str) -> Validator:
    """What a part of the schema wants; to check the schema itself takes seconds each time."""
    return jsonschema.Draft202012Validator({**SCHEMA, "$ref": f"#/{where}"})


def test_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.fixture
def project(dev: Person, page: Path) -> Path:
    apps = f"[{{name: {page.name}, path: .}}]"
    (page / "invoke.yaml").write_text(f"de: {{app: {page.name}, apps: {apps}}}\n")
    repository = Repository.make(page)
    repository.git("push", "-q", "origin", "main")
    dev.environment |= {"INVOKE_DE_CACHE": str(dev.home / "cache"), "DE_JSON": "1"}
    return page


def test_every_command_of_a_day_prints_what_the_schema_says(dev: Person, project: Path) -> None:
    for line in WORKING_DAY:
        command, *words = line.replace("NAME", project.name).replace("USER", dev.name).split()
        if "again" in words:
            (project / "index.html").write_text("hello two")
        done = dev.inv(command, *words, folder=project, stdin=f"{PASSWORD}\n")
        assert done.code == 0, (line, done)
        found = documents(done, command)
        assert found, line
        for document in found:
            hold(document, f"commands/{command}")


def test_every_command_of_an_app_has_json() -> None:
    has = {name for name, task in TASKS.items() if "json" in task.argspec(task.body).parameters}
    assert has == set(TASKS) - WITHOUT == set(SCHEMA["commands"])
    # Some have a second name.
    tried = [TASKS[line.split()[0]] for line in (*WORKING_DAY, *ALONE)]
    assert [name for name in has if not any(TASKS[name] is task for task in tried)] == []


def test_cancelled_build_is_a_document(dev: Person, project: Path) -> None:
    (project / "Procfile").write_text("web: sleep 1000\n")
    assert dev.inv("deploy", "-y", "--no-check", "--no-wait", folder=project).code == 0
    done = dev.inv("cancel", folder=project)
    hold(json.loads(done.out), "commands/cancel")
    assert json.loads(done.out)["status"] == "cancelled"


def test_transferred_app_is_a_document(dev: Person, people: People) -> None:
    app = f"gift-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {app}").code == 0
    line = f"apps transfer -n {app} --username {people.add('other').name} -y --json"
    hold(json.loads(people["admin"].run(line).out), "commands/apps.transfer")


@pytest.mark.sandbox
def test_life_of_a_sandbox_is_in_documents(nobody: Person, tmp_path: Path) -> None:
    nobody.host, data = "", str(tmp_path / "data")
    for line in (
        "start --port 0",
        "add-user --username ada",
        "api-key --username ada",
        "stop",
        "reset -y",
    ):
        command, *words = line.split()
        done = nobody.inv(f"sandbox.{command}", *words, "--data", data, "--json")
        assert done.code == 0, (line, done)
        hold(json.loads(done.out), f"commands/sandbox.{command}")


@pytest.mark.parametrize("line", ["status --name nothing-here", "logs --type x", "delete"])
def test_failure_is_a_document(line: str, dev: Person) -> None:
    done = dev.inv(*line.split(), "--json")
    document = json.loads(done.out)
    hold(document, "$defs/error")
    error = document["error"]
    assert error["code"] == done.code and error["message"] in done.err
    assert error["class"] == {5: "NotFound", 2: "UsageError"}[done.code]


def test_failure_names_the_commands_to_type_next(nobody: Person) -> None:
    nobody.host = ""
    for program, words in {"inv": "inv login", "de-tasks": "de-tasks login"}.items():
        error = json.loads(nobody.run("status --json", program=program).out)["error"]
        assert error["next"][0] == f"{words} --host example.plotly.host"
        assert error["next"][1].endswith("start") and len(error["next"]) == 2


@pytest.mark.parametrize("line", ["stats", "status --nope", "status --name", "-T x status"])
def test_usage_error_of_the_program_is_a_document(line: str, nobody: Person) -> None:
    nobody.environment["DE_JSON"] = "true"
    done = nobody.run(line)
    hold(json.loads(done.out), "$defs/error")
    assert json.loads(done.out)["error"]["code"] == done.code == 2


def test_question_without_a_terminal_is_a_failure_and_no_prompt(dev: Person, page: Path) -> None:
    done = dev.inv("deploy", "--json", folder=page, stdin="y\n")
    *_, last = documents(done, "deploy")
    assert last["error"]["class"] == "UsageError" and "-y" in last["error"]["message"]
    assert done.code == 2


def test_report_has_its_failure_in_it(nobody: Person) -> None:
    done = nobody.inv("doctor", "--json")
    document = json.loads(done.out)
    hold(document, "commands/doctor")
    assert document["error"]["code"] == done.code == 1


def test_dry_run_is_a_document(dev: Person) -> None:
    document = json.loads(dev.inv("-R", "restart", "--json").out)
    hold(document, "$defs/dry_run")


def test_json_can_be_switched_off(dev: Person) -> None:
    dev.environment["DE_JSON"] = "0"
    assert dev.inv("whoami").out.startswith("Logged in as ")
