"""docs/security.md states how many attacks were tried: as many as there are tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

OTHERS = {"test_figures.py", "test_hostile_page.py", "test_schema.py"}
"""They count no attacks: these figures, what needs a browser, and documents in any number."""


@pytest.mark.slow
def test_figures_are_those_of_the_tests() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    stated = dict(re.findall(r"\| `tests/attacks/(test_\w+\.py)` \| (\d+) \|", text))
    files = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert files - set(stated) == OTHERS
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-qq"]
    command += [f"tests/attacks/{name}" for name in sorted(stated)]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    counted = dict(re.findall(r"^tests/attacks/(test_\w+\.py): (\d+)$", listed, re.MULTILINE))
    assert stated == counted
    assert f"**{sum(map(int, counted.values()))} attacks**" in text
