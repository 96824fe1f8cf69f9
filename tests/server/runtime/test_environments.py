"""What an install runs neither lasts nor stays, and what no release uses is removed."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path

import pytest

from de_tasks.server.runtime.environments import COMPLETE, BuildError, Environments
from tests.support.apps import app_folder
from tests.support.processes import processes_of
from tests.support.turns import turns_beside
from tests.support.waiting import BOUND

PROJECT = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
OWN = """
import subprocess, time
options = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
subprocess.Popen(["tail", "-f", {mark!r}], start_new_session=True, **options)
{then}
"""


def install(tmp_path: Path, timeout: int, then: str) -> Path:
    """Install a package whose build starts a daemon; a file that the daemon names."""
    mark = tmp_path / "mark"
    mark.touch()
    own = OWN.format(mark=str(mark), then=then)
    files = {"pyproject_toml": PROJECT, "own_py": own, "requirements_txt": "./\n"}
    folder = app_folder(tmp_path, "install", **files)
    environments = Environments(tmp_path / "environments", None, timeout)
    said: list[str] = []
    make = environments.provide(folder, "commit", "", said.append, nullcontext)
    asyncio.run(asyncio.wait_for(make, BOUND))
    return mark


def test_install_has_a_bound_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was not installed within 1 s"):
        install(tmp_path, 1, "time.sleep(60)")
    assert processes_of(tmp_path / "mark") == []


def test_install_leaves_no_process_behind(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"requirements\.txt could not be installed"):
        install(tmp_path, 60, "raise SystemExit(1)")
    assert processes_of(tmp_path / "mark") == []


def test_removal_of_many_files_lets_others_have_their_turn(tmp_path: Path) -> None:
    for name in ("old", "used"):
        (tmp_path / name).mkdir()
        (tmp_path / name / COMPLETE).touch()
    for number in range(500):
        (tmp_path / "old" / str(number)).touch()
    environments = Environments(tmp_path, None, 60)
    assert asyncio.run(turns_beside(environments.prune({"used"}))) > 1
    assert {path.name for path in tmp_path.iterdir()} - {"uv-cache"} == {"used"}
