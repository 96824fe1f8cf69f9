"""Variables are no more than a process can be given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from de_tasks.errors import NotFound, UsageError
from de_tasks.server.database import Database
from de_tasks.server.runtime.variables import LONGEST, Variables


@pytest.fixture
def variables(tmp_path: Path) -> Variables:
    return Variables(Database(tmp_path / "sandbox.sqlite3"))


def test_longest_value_can_be_given_to_a_process(variables: Variables) -> None:
    value = "x" * (LONGEST - len("NAME=") - 1)
    assert variables.set(None, "NAME", value)
    subprocess.run(["true"], env=variables.all(None), check=True)
    with pytest.raises(UsageError, match="The value of NAME is longer than 131066 bytes"):
        variables.set(None, "NAME", value + "x")


def test_all_together_can_be_given_to_a_process(variables: Variables) -> None:
    for app_id, most, whose in ((None, 256, "global environment"), (1, 512, "app's")):
        if app_id:
            variables._db.execute(
                "INSERT INTO users (username, password_hash, role, created)"
                " VALUES ('u', '', 'viewer', '')"
            )
            variables._db.execute(
                "INSERT INTO apps (id, name, owner, created, updated) VALUES (1, 'a', 'u', '', '')"
            )
        for number in range(most // 128 * 2 - 1):
            variables.set(app_id, f"V{number}", "x" * 65_000)
        with pytest.raises(UsageError, match=f"{whose} variables would have"):
            variables.set(app_id, "MORE", "x" * 70_000)
        variables.set(app_id, "V0", "shorter")
    subprocess.run(["true"], env={**variables.all(None), **variables.all(1)}, check=True)


@pytest.mark.parametrize("name", ["test-env-var", "a.b", "_x", "-", "Ab9"])
def test_names_are_those_of_the_published_example(name: str, variables: Variables) -> None:
    assert variables.set(None, name, "value")
    assert variables.all(None) == {name: "value"}
    variables.remove(None, name)


@pytest.mark.parametrize("name", ["", "9x", "a b", "a=b", "a\n", "\u00e9"])
def test_names_that_no_process_could_be_given(name: str, variables: Variables) -> None:
    with pytest.raises(UsageError, match="is not a name of an environment variable"):
        variables.set(None, name, "value")


def test_same_value_once_more_is_no_change(variables: Variables) -> None:
    assert variables.set(None, "NAME", "value")
    assert not variables.set(None, "NAME", "value")
    assert variables.set(None, "NAME", "")


def test_variable_that_is_not_there_cannot_be_removed(variables: Variables) -> None:
    with pytest.raises(NotFound, match=r"^There is no environment variable NAME\.$"):
        variables.remove(None, "NAME")
