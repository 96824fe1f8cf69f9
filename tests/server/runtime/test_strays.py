"""Processes that nobody watches are found by the system's own list of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from de_tasks.server.runtime import strays, usage
from tests.support.waiting import BOUND, until

SLEEPS = "import time; held = bytearray(30_000_000); print(); time.sleep(99)"


@contextmanager
def daemon(folder: Path, mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own that works in a folder, and has begun."""
    command = [sys.executable, "-uc", SLEEPS]
    variables = {**os.environ, strays.VARIABLE: mark}
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            assert child.stdout and child.stdout.readline()
            yield child
        finally:
            child.kill()


def test_process_with_the_mark_of_a_sandbox_is_ended_and_no_other(tmp_path: Path) -> None:
    ours, other = strays.new_mark(tmp_path / "ours"), strays.new_mark(tmp_path / "other")
    with daemon(tmp_path, ours) as child, daemon(tmp_path, other) as another:
        assert strays.end_strays(strays.mark_of(tmp_path / "ours")) == [child.pid]
        assert child.wait(BOUND) == -signal.SIGKILL and another.poll() is None
        assert strays.end_strays(strays.mark_of(tmp_path / "ours")) == []


def test_folder_is_free_once_nobody_works_in_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with daemon(tmp_path / "a" / "b", ""):
        assert strays.somebody_in(tmp_path / "a") and not strays.somebody_in(tmp_path / "a" / "c")
    until(lambda: not strays.somebody_in(tmp_path / "a"), "the end of the process")


def test_use_is_that_of_the_processes_below(tmp_path: Path) -> None:
    with daemon(tmp_path, ""):
        found = usage.measure([os.getpid()], None, tmp_path)
    assert found["error"] is None and str(found["cpuUsage"]).endswith("%")
    megabytes = [float(str(found[key]).split()[0]) for key in ("memoryUsage", "memoryCapacity")]
    assert 30 < megabytes[0] < megabytes[1]


def test_use_of_what_has_ended_is_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = usage.measure([ended.pid], None, tmp_path)
    assert found["memoryUsage"] == "0.0 MB" and found["cpuUsage"] == "0.0%"
