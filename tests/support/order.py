"""What begins first, so that no worker is left with it when the others have ended."""

from __future__ import annotations

import pytest

LONG = (
    "tests/attacks/test_processes.py::test_streams_do_not_use_up_the_files",
    "tests/githooks/test_pre_commit.py::test_pre_commit_",
    "tests/packaging/test_ci_templates.py::test_workflows_do_their_job",
    "tests/packaging/test_install.py::test_",
    "tests/platform/de/test_platform.py::test_life_of_an_app",
    "tests/platform/de/test_platform.py::test_scenario_for_a_real_server",
    "tests/project/scaffold/test_init.py::test_hooks_that_are_written_work_under_pre_commit",
    "tests/scenarios/test_canary.py::test_secrets_stay_secret",
    "tests/scenarios/test_main_job.py::test_demo_does_the_main_job",
    "tests/scenarios/test_reference.py::test_every_line_of_the_reference",
    "tests/scenarios/test_templates.py::test_template_",
    "tests/scenarios/test_tutorial.py::test_",
)
"""How the names of tests begin that take tens of seconds."""


def long_first(items: list[pytest.Item], workers: int) -> None:
    """Put the long tests in front of each worker's share, as xdist's `worksteal` cuts it."""
    long = [item for item in items if item.nodeid.startswith(LONG)]
    rest = [item for item in items if not item.nodeid.startswith(LONG)]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = (len(items) - len(ordered)) // (workers - worker)
        first = long[worker::workers]
        others = max(0, share - len(first))
        ordered += first + rest[:others]
        del rest[:others]
    items[:] = ordered + rest
