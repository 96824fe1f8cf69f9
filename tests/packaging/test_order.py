"""The order of a whole run, and what makes it safe: no test changes the process for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from de_tasks.server.alive import runs
from tests.support import leftovers
from tests.support.order import LONG, long_first
from tests.support.places import ROOT
from tests.support.waiting import until

WORKER = """
import sys
from pathlib import Path
from de_tasks.server import control
from tests.support.foundry import Foundry

control.launch = Foundry().launch
print(control.start(Path(sys.argv[1]), {"port": 0}).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("workers", [1, 3, 8])
@pytest.mark.parametrize("others", [0, 1, 100])
def test_each_share_begins_with_what_takes_long(workers: int, others: int) -> None:
    items: list[Any] = [SimpleNamespace(nodeid=f"tests/x.py::test_{n}") for n in range(others)]
    items += [SimpleNamespace(nodeid=f"{name}x") for name in LONG]
    before = list(items)
    long_first(items, workers)
    assert sorted(map(id, items)) == sorted(map(id, before))
    begins = [len(items) * worker // workers for worker in range(workers)]
    if others == 100:
        assert all(items[begin].nodeid.startswith(LONG) for begin in begins)


@pytest.mark.parametrize("name", LONG)
def test_what_takes_long_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert f"def {function}" in (ROOT / path).read_text("utf-8")


def test_what_a_test_leaves_changed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    before = leftovers.state()
    assert leftovers.changed(before) == []
    with monkeypatch.context() as other:
        other.setenv("LEFT_BEHIND", "a secret")
        other.chdir("/")
        other.syspath_prepend("/")
        assert leftovers.changed(before) == ["$LEFT_BEHIND", "folder", "sys.path"]
    assert leftovers.changed(before) == []


@pytest.mark.sandbox
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_sandboxes_end_with_the_tests(end: signal.Signals, tmp_path: Path) -> None:
    line = [sys.executable, "-c", WORKER, str(tmp_path / "data")]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        line, cwd=ROOT, stdin=pipe, stdout=pipe, start_new_session=True
    ) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        try:
            assert runs(pid)
        finally:
            # A terminal and `timeout` tell all of a group; for want of memory one is killed.
            end_it = os.kill if end == signal.SIGKILL else os.killpg
            end_it(worker.pid, end)
    until(lambda: not runs(pid), "the sandbox has ended")
