"""The server's own log takes so much room and no more, however many errors it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LINES = """
import logging, sys
from pathlib import Path
from de_tasks.server.server_log import ServerLog
logging.basicConfig(level=logging.INFO, handlers=[ServerLog(Path(sys.argv[1]), 10_000)])
for number in range(1000):
    logging.info("line %s of a flood", number)
print("the end", file=sys.stderr)
"""


def flood(data: Path, file: Path) -> None:
    """A process whose stdout and stderr are a file logs more than it may keep."""
    with file.open("ab") as stream:
        command = [sys.executable, "-c", LINES, str(data)]
        subprocess.run(command, stdout=stream, stderr=stream, check=True, timeout=60)


def test_log_is_rotated_at_its_limit(tmp_path: Path) -> None:
    flood(tmp_path, tmp_path / "server.log")
    files = [tmp_path / "server.log", tmp_path / "server.log.1"]
    assert sorted(tmp_path.iterdir()) == files
    assert all(file.stat().st_size < 11_000 for file in files)
    assert files[0].read_text().endswith("line 999 of a flood\nthe end\n")


def test_other_files_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "server.log").touch()
    flood(tmp_path, tmp_path / "foreground.txt")
    assert len((tmp_path / "foreground.txt").read_text().splitlines()) == 1001
    assert not (tmp_path / "server.log.1").exists()
