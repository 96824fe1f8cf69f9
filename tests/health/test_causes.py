"""What the words of an app say of why it did not start."""

from __future__ import annotations

import pytest

from de_tasks.health import causes


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("KeyError: 'API_KEY' (app.py, line 3)", "API_KEY"),
        ("RuntimeError: API_KEY is not set", "API_KEY"),
        ("ValueError: Missing environment variable: SECRET_TOKEN", "SECRET_TOKEN"),
        ("bash: line 1: API_KEY: unbound variable", "API_KEY"),
        ("KeyError: 'region'", ""),
        ("AssertionError: no HTTP answer", ""),
        ("TypeError: missing 1 required argument", ""),
    ],
)
def test_variable_that_is_not_set_is_found(cause: str, name: str) -> None:
    assert causes.variable(cause) == name
