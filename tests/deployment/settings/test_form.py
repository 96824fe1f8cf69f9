"""`settings:` as people write it: what is accepted, and what is refused in which words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from invoke.vendor import yaml

from de_tasks.deployment.settings import form, secret_texts
from de_tasks.deployment.settings.form import VariableSource, WantedSettings
from de_tasks.errors import UsageError
from de_tasks.platform import differences
from de_tasks.platform.models import People
from tests.support.places import ROOT

WRONG: list[tuple[str, object, str]] = [
    ("titel", "x", "Did you mean title?"),
    ("viewer", ["joe"], "Did you mean viewers?"),
    ("version", 2, "reads version 1"),
    ("title", 3, "should be a text"),
    ("description", "\ud83d", "half a character"),
    ("view_access", "restrict", "or unauthenticated, not 'restrict'. Did you mean restricted?"),
    ("visible_on_portal", "yes", "true or false"),
    ("portal_rank", True, "whole number"),
    ("maintainer_email", "joe", "e-mail address"),
    ("tags", "a", "a list of names"),
    ("viewers", {"team": ["x"]}, "It has: users, groups"),
    ("services", ["mysql"], "each is redis or postgres, not 'mysql'."),
    ("scale", {"web": -1}, "whole number from 0"),
    ("thumbnail", ["x"], "PNG or JPEG"),
    ("tags", ["a", "b,c"], "'b,c' is not a name. Write each name as an entry"),
    ("tags", [" "], "' ' is not a name"),
    ("viewers", [7], "7 is not a name"),
    ("scale", ["web"], "numbers of processes, such as web: 2."),
    ("scale", {"web dev": 1}, "'web dev' is not a type of process."),
    ("scale", {7: 1}, "7 is not a type of process."),
    ("variables", "KEY", "names of variables, each with required, {from: env:NAME} or"),
    ("python_version", "3", "minor version such as 3.11, not '3'."),
    ("python_version", "3.11.2", "minor version such as 3.11, not '3.11.2'."),
]


@pytest.mark.parametrize(("key", "value", "words"), WRONG)
def test_what_is_wrong_is_named_with_its_place(key: str, value: object, words: str) -> None:
    with pytest.raises(UsageError, match=r"de\.settings") as caught:
        form.parse({key: value}, "de.settings", Path())
    assert key in str(caught.value)
    assert words in str(caught.value)


def test_settings_with_one_value_are_the_same_for_a_file_and_for_options() -> None:
    assert {*form.VALUES, "tags"} == {*differences.VALUES}


@pytest.mark.parametrize("value", ["hunter2", {"from": "hunter2"}, {"value": "hunter2"}, 2])
def test_a_value_of_a_variable_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(UsageError, match=r"de\.settings\.variables\.KEY") as caught:
        form.parse({"variables": {"KEY": value}}, "de.settings", Path())
    assert "hunter2" not in str(caught.value)


def test_a_value_behind_a_name_in_a_list_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="KEY") as caught:
        form.parse({"variables": ["KEY=hunter2"]}, "de.settings", Path())
    assert "hunter2" not in str(caught.value)


def test_people_are_users_or_users_and_groups() -> None:
    both = {"viewers": ["Joe", "joe"], "co_owners": {"users": ["ANN"], "groups": ["Data"]}}
    wanted = form.parse(both, "de.settings", Path())
    assert wanted.viewers == People(("joe",))
    assert wanted.co_owners == People(("ann",), ("Data",))


def test_variables_have_a_source_or_are_only_required() -> None:
    given = {"A": "required", "B": {"from": "env:OTHER"}, "C": {"from": "file:.env"}}
    wanted = form.parse({"variables": given}, "de.settings", Path())
    assert wanted.variables == {
        "A": VariableSource(),
        "B": VariableSource("env", "OTHER"),
        "C": VariableSource("file", ".env"),
    }


def test_own_settings_replace_those_of_all() -> None:
    given = form.merged({"title": "All", "tags": ["a"]}, {"tags": ["b"]})
    assert form.parse(given, "x", Path()) == WantedSettings({"title": "All"}, tags=("b",))


@pytest.mark.usefixtures("detector")
def test_a_text_that_looks_like_a_secret_is_refused_where_it_stands() -> None:
    key = "ghp_" + "x3k9Qm2LpR7vTz8WcYb5Nd1Fh6Js4Ga0UeKi"
    texts = form.texts({"title": "Sales", "tags": ["a", f"token {key}"]}, "de.settings")
    with pytest.raises(UsageError, match=r"de\.settings\.tags looks like a secret") as caught:
        secret_texts.refuse(texts)
    assert key not in str(caught.value)


def test_the_documentation_s_examples_are_of_this_form() -> None:
    text = (ROOT / "docs" / "settings-as-code.md").read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    for example in examples:
        section = yaml.safe_load(example)["de"]  # type: ignore[no-untyped-call]
        for app in section.get("apps", [{}]):
            given = form.merged(section["settings"], app.get("settings", {}))
            assert form.parse(given, "x", Path()) != WantedSettings()
    assert len(examples) == 2


def test_the_documentation_has_every_key() -> None:
    text = (ROOT / "docs" / "settings-as-code.md").read_text("utf-8")
    table = text.partition("| key |")[2].partition("\n\n")[0]
    assert [key for key in (*form.VALUES, *form.LISTS) if f"`{key}`" not in table] == []
