"""The door for newcomers: what it says is there, and what guards the house does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.workflows import check

PATH = re.compile(r"`((?:de_tasks|tests|templates|docs)/[\w./-]*)`")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LINT = Path(sys.executable).with_name("lint-imports")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md", "docs/testing.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    named = set(PATH.findall((ROOT / page).read_text("utf-8")))
    assert named and [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_map_has_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    packages = {path.parent for path in (ROOT / "de_tasks").rglob("__init__.py")}
    listed = {f"`{path.relative_to(ROOT).as_posix()}/`" for path in packages} - {"`de_tasks/`"}
    assert sorted(name for name in listed if name not in text) == []


def test_every_package_says_its_job() -> None:
    for path in (ROOT / "de_tasks").rglob("__init__.py"):
        assert path.read_text("utf-8").startswith('"""'), path


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_is_one(workflow: Path) -> None:
    check("github", workflow)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("net/http.py", "from de_tasks.tasks import deploy"),
        ("project/checks/files.py", "import de_tasks.auth.store"),
        ("server/files.py", "import de_tasks.net.http"),
    ],
)
def test_import_that_goes_up_is_refused(module: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "de_tasks", tmp_path / "de_tasks")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "de_tasks" / module).open("a") as source:
        source.write(f"\n{line}\n")
    done = subprocess.run(
        [str(LINT), "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "BROKEN" in done.stdout, done.stdout + done.stderr
