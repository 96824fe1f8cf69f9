"""Settings as people give them, in files that any system writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from de_tasks.platform import rules

TEXT = "TITLE='Zähler'\nEMPTY=\nPATHS=C:\\data\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_env_file_of_any_system(tmp_path: Path, encoding: str, ends: str) -> None:
    (tmp_path / ".env").write_text(TEXT, encoding, newline=ends)
    found = rules.env_file(tmp_path / ".env", "--env-file")
    assert found == {"TITLE": "Zähler", "EMPTY": "", "PATHS": "C:\\data"}


def test_env_file_in_another_encoding_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TEXT, "cp1252")
    with pytest.raises(UsageError, match=r"--env-file \.env is not UTF-8 text: save it as UTF-8"):
        rules.env_file(tmp_path / ".env", "--env-file .env")
