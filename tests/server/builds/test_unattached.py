"""An app whose code reads the address of a database that it has not is told how to get one."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.server.builds.unattached import unattached

REDIS = "de-tasks services create --type redis --app-name shop"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", 'import os\nos.environ["REDIS_URL"]'),
        ("pkg/tasks.py", "config('REDIS_URL', default='')"),
        ("Procfile", "web: serve\nworker: rq worker --url $REDIS_URL"),
    ],
)
def test_database_that_the_code_reads(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    said = unattached(tmp_path, "shop", {"DATABASE_URL": ""})
    assert f"REDIS_URL (in {name})" in said and said.endswith(REDIS)
    assert unattached(tmp_path, "shop", {"REDIS_URL", "DATABASE_URL"}) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.py", "# REDIS_URL is not needed"),
        ("app.py", '"""REDIS_URL is where Redis is."""'),
        ("broken.py", 'def ("REDIS_URL"'),
        ("venv/lib/redis.py", 'x = "REDIS_URL"'),
        ("tests/test_app.py", 'x = "REDIS_URL"'),
    ],
)
def test_name_that_is_only_mentioned(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    (tmp_path / "venv").mkdir(exist_ok=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    assert unattached(tmp_path, "shop", {}) == ""
