"""What a rollout of many apps looks like."""

from __future__ import annotations

from typing import Any

import pytest

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
