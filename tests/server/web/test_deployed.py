"""What the pages say a deploy was made from."""

from __future__ import annotations

import pytest

from de_tasks.server.web.deployed import commit_of

SHA = "f" * 40


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("a\n\nDe-Source: 4d4d7f7abc (main)", "main@4d4d7f7"),
        ("a\n\nDe-Source: 4d4d7f7abc-dirty (a/b (c))", "a/b (c)@4d4d7f7-dirty"),
        ("a\n\nDe-Source: 4d4d7f7abc", "4d4d7f7"),
        ("a\n\nDe-Source: 4d4d7f7abc (main)\nDe-Promoted: qa build 7 1234567890", "qa@1234567"),
        ("a\n\nDe-Source: something", "fffffff"),
        ("pushed by hand", "fffffff"),
    ],
)
def test_commit_is_that_of_the_source_where_it_is_known(message: str, said: str) -> None:
    assert commit_of({"message": message, "sha": SHA}) == said
