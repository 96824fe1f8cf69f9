"""Values that `settings:` names, and that stand elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.deployment.settings import form, outside
from de_tasks.errors import UsageError


def test_values_are_found_or_it_is_said_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "two")
    monkeypatch.delenv("NOWHERE", raising=False)
    (tmp_path / ".env").write_text("C=three\n")
    sources = {"B": "env:OTHER", "C": "file:.env", "D": "env:NOWHERE"}
    sources |= {"E": "file:.env", "F": "file:none.env"}
    given = {name: {"from": source} for name, source in sources.items()}
    wanted = form.parse({"variables": {"A": "required", **given}}, "x", tmp_path)
    found = outside.read(wanted, "x", tmp_path)
    assert found.variables == {"B": "two", "C": "three"}
    assert found.absent == {
        "D": "the environment variable NOWHERE is not set here",
        "E": "the file .env has no value of E",
        "F": "the file none.env is not there",
    }


def test_file_of_variables_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("hunter2\n")
    wanted = form.parse({"variables": {"A": {"from": "file:.env"}}}, "x", tmp_path)
    with pytest.raises(UsageError, match=r"^x\.variables: .+\.env, line 1, ") as refused:
        outside.read(wanted, "x", tmp_path)
    assert "hunter2" not in str(refused.value)
