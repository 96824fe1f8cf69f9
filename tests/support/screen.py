"""A terminal that both streams of this process write to."""

from __future__ import annotations

import io
import sys

import pytest


class Screen(io.StringIO):
    """A stream that is a terminal's."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 100) -> Screen:
    """Let both streams be this terminal's, and no variable say anything of colours."""
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen
