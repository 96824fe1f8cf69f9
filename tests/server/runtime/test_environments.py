"""Virtual environments: those that no release uses any more are removed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from de_tasks.server.runtime.environments import COMPLETE, Environments
from tests.support.turns import turns_beside


def test_removal_of_many_files_lets_others_have_their_turn(tmp_path: Path) -> None:
    for name in ("old", "used"):
        (tmp_path / name).mkdir()
        (tmp_path / name / COMPLETE).touch()
    for number in range(500):
        (tmp_path / "old" / str(number)).touch()
    environments = Environments(tmp_path, cast(Any, None))
    assert asyncio.run(turns_beside(environments.prune({"used"}))) > 1
    assert {path.name for path in tmp_path.iterdir()} - {"uv-cache"} == {"used"}
