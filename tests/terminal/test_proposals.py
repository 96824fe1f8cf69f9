"""Words that are not known, and what may have been meant."""

from __future__ import annotations

import pytest

from de_tasks.errors import UsageError
from de_tasks.terminal.proposals import any_of, one_of


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
