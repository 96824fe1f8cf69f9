"""Logs go on where their files cannot."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from de_tasks.server.runtime.logs import LogFile


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


def test_line_for_a_log_that_is_closed_is_no_error(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    log.close()
    log.append("late\udcff")
    assert not (tmp_path / "web.log").exists()
