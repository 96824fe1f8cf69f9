"""Where Chromium is, and how tests start it."""

from __future__ import annotations

import shutil

import pytest

from tests.support.report import needs

# The headless shell draws the same with a third of the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason=needs("Chromium is not installed", "apt-get install chromium-headless-shell"),
)
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
