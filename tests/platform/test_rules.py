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


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\n\n# hunter2\n\n=hunter2\n", 5),
        ("\r\nA='x\r\ny'\r\nhunter2 three\r\n", 4),
        ('A="hunter2\nB=2\n', 1),
        ("A='1' hunter2", 1),
    ],
)
def test_wrong_line_of_an_env_file_is_named_by_its_number_alone(
    text: str, line: int, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(text, newline="")
    with pytest.raises(UsageError, match=rf"^--env-file \.env, line {line}, is not") as refused:
        rules.env_file(tmp_path / ".env", "--env-file .env")
    assert "hunter2" not in str(refused.value)
