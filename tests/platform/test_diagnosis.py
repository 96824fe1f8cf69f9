"""What `doctor` finds."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.people import Person


def test_client_alone_says_how_to_have_the_api_compared(
    dev: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "graphql", None)
    done = dev.inv("doctor", "--json")
    seen = [f["seen"] for f in json.loads(done.out)["findings"] if f["what"] == "api"]
    assert done.code == 0 and len(seen) == 1 and "pip install graphql-core" in seen[0]
