"""What a rollout of many apps looks like."""

from __future__ import annotations

from typing import Any

import pytest

from de_tasks.deployment.events import Event
from de_tasks.deployment.fleets.parallel import Job, Result
from de_tasks.tasks.rollout_output import LiveTable
from de_tasks.terminal import console, live, style


def run_one_of_four() -> None:
    none: Any = None
    table = LiveTable(4, lambda: [], width=4)
    table.ended(Result(Job("shop", "example.plotly.host", none, none), "live"))


def test_apps_have_a_bar_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(style, "moving", lambda: True)
    monkeypatch.setattr(console, "block", shown.append)
    run_one_of_four()
    (*_, (done, rest, words)) = shown[-1]
    assert (len(done[0]), len(rest[0])) == (live.BAR // 4, live.BAR - live.BAR // 4)
    assert words == "  1 of 4 apps"


def test_a_pipe_has_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    run_one_of_four()
    assert "1 of 4" not in capsys.readouterr().err


def test_all_wait_for_the_same_and_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    none: Any = None
    table = LiveTable(2, lambda: [], width=4)
    for name in ("one", "two"):
        text = f"{name}: no points are left, waiting 40 s"
        table.told(Job(name, "h", none, none), Event("wait", text, {"seconds": 40}))
    assert capsys.readouterr().err == "one: no points are left, waiting 40 s\n"
