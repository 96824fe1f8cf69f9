"""What is said of a process that has ended on this machine, and which port it is given."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from de_tasks.project import run_locally
from de_tasks.project.run_locally import Ended, free_port_from

GONE = "ModuleNotFoundError: No module named 'dash'"


@pytest.mark.parametrize(
    ("status", "line", "files", "words"),
    [
        (3, "", (), "web ended with status 3"),
        (-9, "", (), "web ended by SIGKILL"),
        (1, "ValueError: no", (), "web ended with status 1: ValueError: no"),
        (
            1,
            GONE,
            ("requirements.txt",),
            f"web ended with status 1: {GONE}. The app's packages are not installed here: "
            "pip install -r requirements.txt",
        ),
        (
            1,
            GONE,
            (),
            f"web ended with status 1: {GONE}. dash is not installed here, and no "
            "requirements.txt names it",
        ),
        # No package brings what is the app's own.
        (1, GONE, ("requirements.txt", "dash.py"), f"web ended with status 1: {GONE}"),
        (1, GONE, ("requirements.txt", "dash"), f"web ended with status 1: {GONE}"),
    ],
)
def test_end_of_a_process_is_said_with_what_mends_it(
    status: int, line: str, files: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    assert Ended("web", status, [line]).why(tmp_path) == words


def test_ports_that_are_all_taken_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_locally, "PORTS_TRIED", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"^Ports {port} to {port} are taken: give one with"):
            free_port_from(port)
