"""Words that are not known, and what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.config.system import quoted
from de_tasks.errors import UsageError
from de_tasks.terminal.proposals import any_of, as_option, one_of


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("blu", "--colour is red, green or blue, not 'blu'. Did you mean blue?"),
        ("", "--colour is red, green or blue, not ''."),
        (True, "--colour is red, green or blue, not True."),
    ],
)
def test_what_is_no_choice_is_named_with_the_nearest(given: object, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        one_of(given, ("red", "green", "blue"), "--colour")
    assert str(caught.value) == words


def test_choices_are_joined_as_people_do() -> None:
    assert (any_of(["a"]), any_of(["a", "b"])) == ("a", "a or b")


@pytest.mark.parametrize(
    ("word", "options", "words"),
    [
        ("sales", ["--name", "--path"], " Did you mean --name sales?"),
        ("apps/sales", ["--name", "--path"], " Did you mean --path apps/sales?"),
        ("my apps/sales", ["--path"], f" Did you mean --path {quoted('my apps/sales')}?"),
        ("there", ["--name", "--path"], " Did you mean --path there?"),
        ("there", ["--app-name"], " Did you mean --app-name there?"),
        ("sales", ["--path"], ""),
    ],
)
def test_stray_word_is_proposed_as_a_folder_or_a_name(
    word: str, options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    assert as_option(word, options) == words
