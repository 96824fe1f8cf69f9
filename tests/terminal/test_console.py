"""What is printed for programs is the same on every system."""

from __future__ import annotations

import io
import sys

import pytest

from de_tasks.terminal import console


def test_patch_has_no_line_ends_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "utf-8", newline="\r\n"))
    console.patch("-one\n+two\r")
    assert written.getvalue() == b"-one\n+two\r\n"
