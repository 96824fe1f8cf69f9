"""`--quick`: the tests that start no sandbox and take no time."""

from __future__ import annotations

import sys

import pytest

SANDBOXES = {"sandbox", "fortress", "tls"}
"""The fixtures that start one."""
MARKS = ("sandbox", "slow", "network")
"""What says of other tests that they are not quick."""


def keep_quick(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that are not quick."""
    quick = [item for item in items if is_quick(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(quick)])
    items[:] = quick


def is_quick(item: pytest.Item) -> bool:
    """Whether a test starts no sandbox, by its fixtures and its marks, and is not slow."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return not fixtures & SANDBOXES and not any(item.get_closest_marker(name) for name in MARKS)


def forbid_sandboxes() -> None:
    """Let the start of a sandbox fail from here on, so that no test lacks its mark."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event != "subprocess.Popen":
        return
    words = [str(word) for word in arguments[1]] if isinstance(arguments[1], list) else []
    served = "de_tasks.server" in words and any(word.startswith("--data") for word in words)
    if served or "sandbox.start" in words:
        raise AssertionError("This test starts a sandbox: mark it with @pytest.mark.sandbox")
