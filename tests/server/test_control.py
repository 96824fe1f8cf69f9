"""A sandbox that does not answer is there all the same."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.server import control
from de_tasks.server.__main__ import lock_data
from tests.support.people import Person
from tests.support.waiting import BOUND, until


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[control.Running]:
    """A sandbox that is busy for a moment."""
    running = control.start(tmp_path / "data", {"port": 0})
    os.kill(running.pid, signal.SIGSTOP)
    yield running
    os.kill(running.pid, signal.SIGCONT)
    control.stop(running)


def test_busy_sandbox_keeps_its_data(
    hung: control.Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(tmp_path, hung.url)
    refused = person.inv("sandbox.reset", "-y", "--data", str(hung.data))
    assert refused.code == 1 and "Stop it first" in refused.err
    with pytest.raises(DeTasksError, match="The sandbox is running"):
        control.reset(hung.data)
    monkeypatch.setattr(control, "STOP_TIMEOUT", 0.1)
    stopped = person.inv("sandbox.stop", "--data", str(hung.data))
    assert stopped.code == 1 and f"kill -9 {hung.pid}" in stopped.err
    monkeypatch.setattr(control, "find", lambda data: None)  # It waits for its answer for 5 s.
    told = person.inv("sandbox.status", "--data", str(hung.data)).out
    assert told == f"The sandbox runs as process {hung.pid}, and does not answer.\n"
    assert (hung.data / "sandbox.sqlite3").exists()


def test_start_does_not_work_on_what_is_being_deleted(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with ThreadPoolExecutor() as pool, file.open("a+") as held:
        assert control.take(held)
        starting = pool.submit(lock_data, tmp_path)
        until(lambda: len(open_files(file)) > 1, "the start waits for the lock")
        file.unlink()
        held.close()
        with starting.result(BOUND) as lock:
            assert os.path.samestat(os.fstat(lock.fileno()), file.stat())
            assert control.holder(tmp_path) == os.getpid()


def open_files(file: Path) -> list[Path]:
    """The descriptors of this process that are of the file."""
    return [path for path in Path("/proc/self/fd").iterdir() if path.resolve() == file]


def test_nobody_at_the_port_of_a_dead_sandbox_is_asked(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended, socket.create_server(("127.0.0.1", 0)) as other:
        ended.wait()
        port = other.getsockname()[1]
        left = {"pid": ended.pid, "url": f"http://127.0.0.1:{port}", "port": port, "instance": "x"}
        (tmp_path / "running.json").write_text(json.dumps(left))
        assert control.find(tmp_path) is None
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    with pytest.raises(DeTasksError) as refused:
        control.start(data, {"port": 0})
    assert str(refused.value) == f"The sandbox cannot use {data}: Not a directory"


def test_sandbox_that_does_not_answer_an_admin_is_said_not_to(tmp_path: Path, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    running = control.Running(os.getpid(), url, port, "x", tmp_path)
    record = {"pid": running.pid, "url": url, "port": port, "instance": "x"}
    (tmp_path / "running.json").write_text(json.dumps(record))
    (tmp_path / "admin.key").write_text("key")
    with pytest.raises(DeTasksError, match=r"^The sandbox did not answer: .*refused"):
        control.administer(running, "users", {})
    assert control.find(tmp_path) is None
    (tmp_path / "admin.key").unlink()
    with pytest.raises(DeTasksError, match=r"admin\.key cannot be read: No such file"):
        control.administer(running, "users", {})
