"""Commands of apps end with all that they started, whatever that does to stay."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError
from de_tasks.health.causes import exit_words
from de_tasks.server.open_files import open_files
from de_tasks.server.runtime.tree import Tree
from tests.support.processes import processes_of
from tests.support.trees import ran
from tests.support.waiting import BOUND

STAY = "trap '' TERM; echo up; while sleep 0.1; do :; done"
DAEMONS = {
    "of its own session": "setsid sh {} & exec sleep 60",
    "of a dead parent": "setsid sh -c '(sh {} &)' & exec sleep 60",
    "without an environment": "env -i setsid sh -c '(sh {} &)' & exec sleep 60",
}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """What stays as long as it can."""
    file = tmp_path / "stay.sh"
    file.write_text(STAY)
    return file


async def up(script: Path) -> None:
    """Wait until it runs."""
    while not processes_of(script):
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", DAEMONS)
def test_daemon_ends_with_its_app(kind: str, script: Path) -> None:
    async def stop(tree: Tree) -> int:
        await up(script)
        return await tree.stop(0.1)

    status, _ = ran(script.parent, DAEMONS[kind].format(script), stop)
    assert status < 0 and processes_of(script) == []


def test_daemon_does_not_outlive_a_command_that_ends_by_itself(script: Path) -> None:
    status, lines = ran(script.parent, f"setsid sh {script} & sleep 0.5; exit 3", Tree.wait)
    assert (status, lines) == (3, ["up"]) and processes_of(script) == []


def test_daemon_does_not_outlive_a_reaper_that_is_killed(script: Path) -> None:
    status, _ = ran(
        script.parent, f"setsid sh {script} & sleep 0.5; kill -9 $PPID; sleep 60", Tree.wait
    )
    assert status == -signal.SIGKILL and processes_of(script) == []


def test_reaper_that_is_stopped_does_not_hold_up(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("de_tasks.server.runtime.reaper.STUBBORN", 0.1)
    monkeypatch.setattr("de_tasks.server.runtime.tree.SLACK", 0.1)

    async def stop(tree: Tree) -> int:
        await up(script)
        os.kill(tree.pid, signal.SIGSTOP)
        return await tree.stop(0.1)

    assert ran(script.parent, f"sh {script}", stop)[0] == -signal.SIGKILL
    assert processes_of(script) == []


def test_stop_of_what_has_ended_writes_into_no_file_of_others(tmp_path: Path) -> None:
    async def stop(tree: Tree) -> int:
        await tree.wait()
        # One of them has the number that the pipe to the reaper had.
        others = [(tmp_path / f"{number}.other").open("wb") for number in range(30)]
        status = await tree.stop(0)
        for file in others:
            file.close()
        return status

    assert ran(tmp_path, "exit 3", stop)[0] == 3
    assert {file.read_bytes() for file in tmp_path.glob("*.other")} == {b""}


@pytest.mark.parametrize("number", [signal.SIGTERM, 35, 64])
def test_end_by_any_signal_is_told(number: int, tmp_path: Path) -> None:
    status, _ = ran(tmp_path, f"kill -{int(number)} $$", Tree.wait)
    assert status == -number and exit_words(status).startswith("ended by ")


def test_environment_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeTasksError, match="The system takes no environment as large"):
        ran(tmp_path, "true", Tree.wait, LARGE="x" * 200_000)


def test_line_of_any_length_is_heard(tmp_path: Path) -> None:
    status, lines = ran(tmp_path, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo y", Tree.wait)
    assert status == 0 and "".join(lines) == "x" * 200_000 + "y"


def test_command_may_open_as_many_files_as_the_sandbox_was_allowed(tmp_path: Path) -> None:
    assert ran(tmp_path, "ulimit -Sn", Tree.wait)[1] == [str(open_files().before)]


def test_command_ends_with_a_sandbox_that_is_killed(script: Path) -> None:
    script.write_text(STAY.replace("trap '' TERM; ", ""))

    async def close(tree: Tree) -> int:
        await up(script)
        # What the kernel does when the sandbox is killed.
        null = os.open(os.devnull, os.O_WRONLY)
        assert tree._control is not None
        os.dup2(null, tree._control)
        os.close(null)
        async with asyncio.timeout(BOUND):
            return await tree.wait()

    assert ran(script.parent, f"sh {script}", close)[0] < 0 and processes_of(script) == []
