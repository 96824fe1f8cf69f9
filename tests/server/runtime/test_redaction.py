"""Values of variables do not stand in the logs of builds."""

from __future__ import annotations

import pytest

from de_tasks.server.runtime.redaction import Redaction


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("TOKEN=abc/45678", "TOKEN=****"),
        ("https://host/?t=abc%2F45678", "https://host/?t=****"),
        ("longer: abc/45678-more!", "longer: ****"),
        ("of a key: line-two-of-it", "of a key: ****"),
        ("http://me:pass@host/simple", "http://****@host/simple"),
        ("true short12", "true short12"),
    ],
)
def test_redaction(said: str, shown: str) -> None:
    values = ("true", "short", "abc/45678", "abc/45678-more!", "line-one\n  line-two-of-it\n")
    assert Redaction(values)(said) == shown
