"""A process that has ended does not run, whether or not anybody has asked for its end."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from de_tasks.server import alive
from de_tasks.server.__main__ import lock_data
from de_tasks.server.alive import runs
from tests.support.report import needs
from tests.support.waiting import BOUND, until


def test_process_that_nobody_has_waited_for_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert runs(child.pid) and runs(os.getpid())
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: not runs(child.pid), "the end of a killed process")
    finally:
        child.kill()
        child.wait()
    assert not runs(child.pid)


def test_apps_of_a_sandbox_that_was_killed_are_given_the_time_to_end(tmp_path: Path) -> None:
    killed = subprocess.Popen(["true"])
    until(lambda: not runs(killed.pid), "the end of what nobody waits for")
    (tmp_path / "lock").write_text(f"{killed.pid}\n")
    with (tmp_path / "lock").open() as held, ThreadPoolExecutor(1) as beside:
        fcntl.flock(held, fcntl.LOCK_EX)
        taken = beside.submit(lock_data, tmp_path)
        assert not wait([taken], 0.2).done
        fcntl.flock(held, fcntl.LOCK_UN)
        taken.result(BOUND).close()
    killed.wait()


@pytest.mark.skipif(shutil.which("ps") is None, reason=needs("no ps", "install procps"))
def test_process_is_looked_up_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "Path", lambda name: Path("/dev/null/stat"))
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as ended:
        until(lambda: not runs(ended.pid), "the end of what nobody waits for")
        assert runs(os.getpid())
        # What cannot be looked up is taken to run: nothing of it is touched.
        monkeypatch.setenv("PATH", "/nonexistent")
        assert runs(ended.pid)
