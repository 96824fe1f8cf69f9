"""`variables.*`: an app's environment variables by their names; a value is in no output."""

from __future__ import annotations

import json
import secrets

import pytest

from de_tasks.server import control
from de_tasks.terminal import style
from tests.support.people import Done, Person
from tests.support.published import caller

OWN = "query ($n: String!) { app(name: $n) { environmentVariables { name value readonly } } }"
SECRET = "s3cret value"


@pytest.fixture
def app(dev: Person) -> str:
    """A new app of dev's, which the configuration names."""
    name = f"var-{secrets.token_hex(4)}"
    assert dev.run(f"apps create -n {name}").code == 0
    (dev.home / "invoke.yaml").write_text(f"de:\n  app: {name}\n")
    return name


def values(dev: Person, app: str, running: control.Running) -> dict[str, str]:
    """The app's own variables, as the platform has them."""
    found = caller(running, dev.name).ask(OWN, n=app)["app"]["environmentVariables"]
    return {v["name"]: v["value"] for v in found if not v["readonly"]}


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_variable_is_set_listed_and_removed(
    program: str, dev: Person, app: str, sandbox: control.Running
) -> None:
    def run(line: str, stdin: str = "") -> Done:
        return dev.run(f"{line} --name {app}", program=program, stdin=stdin)

    done = run("variables.set TOKEN", f"{SECRET}\n")
    assert (done.code, done.out) == (0, "variable TOKEN: added\n"), done.err
    assert values(dev, app, sandbox) == {"TOKEN": SECRET}
    listed = run("variables.list")
    rows = dict(line.split() for line in listed.out.splitlines())
    assert rows["TOKEN"] == "app" and rows["DASH_APP_NAME"] == "platform"
    assert SECRET not in done.out + done.err + listed.out + listed.err
    assert run("variables.unset TOKEN").out == "variable TOKEN: removed\n"
    assert values(dev, app, sandbox) == {}
    assert run("variables.unset TOKEN").code == 5


def test_listing_is_the_default_and_is_there_for_programs(dev: Person, app: str) -> None:
    dev.run(f"services create --app-name {app} --type redis")
    dev.run("variables set TOKEN", stdin=SECRET)
    found = json.loads(dev.inv("variables", "--json").out)
    assert {"name": "TOKEN", "from": "app"} in found and SECRET not in str(found)
    assert {"name": "REDIS_URL", "from": "platform"} in found and "redis://" not in str(found)
    assert dev.inv("variables", "--name", "nothing-here").code == 5


@pytest.mark.parametrize("file", ["env", "-"])
def test_value_comes_from_a_file(
    file: str, dev: Person, app: str, sandbox: control.Running
) -> None:
    text = f"OTHER=x\nTOKEN='{SECRET}'\n"
    (dev.home / "env").write_text(text)
    done = dev.inv("variables.set", "TOKEN", "--env-file", file, stdin=text if file == "-" else "")
    assert done.code == 0 and values(dev, app, sandbox) == {"TOKEN": SECRET}
    done = dev.inv("variables.set", "NOPE", "--env-file", "env")
    assert (done.code, done.err) == (5, "--env-file env has no variable NOPE.\n")


def test_value_is_asked_for_on_a_terminal_unseen(
    dev: Person, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def unseen(prompt: str, stream: object) -> str:
        asked.append(prompt)
        return SECRET

    monkeypatch.setattr("getpass.getpass", unseen)
    done = dev.inv("variables.set", "TOKEN", terminal=True)
    assert (done.code, asked) == (0, ["Value of TOKEN: "]) and SECRET not in done.out + done.err


@pytest.mark.parametrize("command", ["set", "unset"])
def test_value_in_the_command_line_is_refused_and_not_repeated(
    command: str, dev: Person, app: str
) -> None:
    done = dev.inv(f"variables.{command}", f"TOKEN={SECRET}")
    assert done.code == 2 and done.err.startswith(
        f"Leave out the value: inv variables.{command} TOKEN"
    )
    assert SECRET not in done.out + done.err


def test_restart_for_a_variable_is_told(
    dev: Person, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "for_people", lambda: True)
    for line in ("variables.set TOKEN", "variables.unset TOKEN"):
        done = dev.inv(*line.split(), stdin=SECRET)
        assert done.err == f"If {app} is running, its processes restart now.\n"
    assert not dev.inv("apps.update", "--title", "Shop").err


def test_program_says_which_word_is_missing_or_too_much(dev: Person) -> None:
    assert "positional arguments: 'key'" in dev.run("variables set").err
    done = dev.run("variables set A B")
    assert done.code == 2 and "does not take 'B'." in done.err and "Options: --key" in done.err
    assert "Usage: de-tasks variables set [OPTIONS] KEY" in dev.run("variables set --help").out


@pytest.mark.parametrize("task", ["variables.set", "variables.unset"])
def test_option_in_the_place_of_a_name_is_no_name(dev: Person, task: str) -> None:
    done = dev.inv(task, "--help")
    assert (done.code, done.out) == (2, "") and "--help is not the name of a variable" in done.err
