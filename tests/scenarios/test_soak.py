"""A short version of `make soak`, which kills 200 times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.soak.fire import Fire


@pytest.mark.sandbox
def test_killed_sandbox_keeps_what_it_promised(tmp_path: Path) -> None:
    assert list(Fire(tmp_path, lambda text: None).rounds(kills=3)) == []
