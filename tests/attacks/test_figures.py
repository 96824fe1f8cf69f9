"""docs/security.md states how many attacks were tried: as many as there are tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_figures_are_those_of_the_tests() -> None:
    files = sorted(
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_attacks_*.py")
    )
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", *files]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    ).stdout
    counted = dict(re.findall(r"^tests/(test_attacks_\w+\.py): (\d+)$", listed, re.MULTILINE))
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    stated = dict(re.findall(r"\| `(test_attacks_\w+\.py)` \| (\d+) \|", text))
    assert len(counted) == len(files) and stated == counted
    assert f"**{sum(map(int, counted.values()))} attacks**" in text
