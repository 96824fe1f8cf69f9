"""What a run says of itself: its seed, how it is repeated, and what it has not tested."""

from __future__ import annotations

from collections import defaultdict

import pytest
from _pytest.terminal import TerminalReporter

REMEDY = ": to run it, "


def needs(what: str, remedy: str) -> str:
    """The reason for a skip: what is not there, and what the reader can do about it."""
    return f"{what}{REMEDY}{remedy}"


class Report:
    """The words around a run; of several processes, the one that started the others has them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Tell the seed, and how many processes share the work."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        assert terminal
        terminal.write_line(f"Random order: SEED={self.seed} WORKERS={self.workers}")

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Tell what was skipped, once for each reason, and how to repeat a failure."""
        if skipped := skips(terminalreporter):
            terminalreporter.section("not tested here")
            for reason in sorted(skipped):
                terminalreporter.write_line(f"{len(skipped[reason])} x {reason}")
        if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
            again = f"make test SEED={self.seed} WORKERS={self.workers}"
            terminalreporter.write_line(f"\nTo repeat this order: {again}", bold=True)

    @property
    def seed(self) -> int:
        """What decides the order."""
        return int(self._config.getoption("randomly_seed", 0))

    @property
    def workers(self) -> int:
        """The processes that tests are handed to; 0 where they run in this one."""
        return len(self._config.getoption("tx", None) or ())


def skips(terminal: TerminalReporter) -> dict[str, set[str]]:
    """The tests, or whole files, that were skipped, by the reason."""
    found: dict[str, set[str]] = defaultdict(set)
    for report in terminal.stats.get("skipped", []):
        _, _, said = report.longrepr
        found[str(said).removeprefix("Skipped: ")].add(report.nodeid)
    return found
