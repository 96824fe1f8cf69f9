"""Logs go on where their files cannot."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from de_tasks.server.runtime.logs import RECENT, LogFile


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def texts(log: LogFile) -> list[str]:
    return [line.text for line in log.tail(100)]


def test_full_disk_costs_lines_of_the_file_alone(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    log.append("before")
    with full_disk(log.path.stat().st_size + 10):
        log.append("meanwhile")
    log.append("after")
    log.close()
    assert texts(log) == ["before", "meanwhile", "after"]
    assert texts(LogFile(log.path))[::2] == ["before", "after"]


IN_THE_WAY: dict[str, Callable[[Path], None]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to(path.with_name("secret")),
}


@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_log_whose_place_is_taken_is_kept_in_memory(kind: str, tmp_path: Path) -> None:
    IN_THE_WAY[kind](tmp_path / "web.log")
    log = LogFile(tmp_path / "web.log")
    log.append("line")
    assert texts(log) == ["line"] and not (tmp_path / "secret").exists()


def test_log_is_read_beside_whoever_writes_to_it(tmp_path: Path) -> None:
    log, interval = LogFile(tmp_path / "web.log", limit=10_000), sys.getswitchinterval()
    log.append("\n".join(map(str, range(RECENT))))
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as pool:
            read = pool.submit(lambda: [log.tail(10) for _ in range(500)])
            while not read.done():
                log.append("more")
        assert all(len(lines) == 10 for lines in read.result())
    finally:
        sys.setswitchinterval(interval)


def test_older_lines_come_from_both_files(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log", limit=150_000)
    for number in range(1, 3001):
        log.append(f"{number} {'x' * (number % 90)}")
    assert (tmp_path / "web.log.1").exists() and (tmp_path / "web.log").exists()
    again = LogFile(log.path)
    assert [line.number for line in again.tail(2500)] == list(range(501, 3001))
    assert again.tail(2500) == log.tail(2500) and again.last == 3000
    assert [line.number for line in log.tail(1500, after=2000)] == list(range(2001, 3001))


def test_line_for_a_log_that_is_closed_is_no_error(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    log.close()
    log.append("late\udcff")
    assert not (tmp_path / "web.log").exists()
