"""`--quick`: the tests that start no sandbox and take no time."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

MARKS = ("sandbox", "slow", "network")
"""What says of a test that it is not quick, where its fixtures do not say so."""


def keep_quick(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that are not quick."""
    slow = [item for item in items if not is_quick(item)]
    items[:] = [item for item in items if item not in set(slow)]
    config.hook.pytest_deselected(items=slow)


def is_quick(item: pytest.Item) -> bool:
    """Whether a test starts no sandbox and installs nothing, by its fixtures and its marks, and is
    not slow."""
    installs = "packages" in getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in MARKS)
    return not installs and not marked and not serves(item)


def serves(item: pytest.Item) -> bool:
    """Whether a test, or a fixture that it needs, starts a sandbox or is given one that runs."""
    if not isinstance(item, pytest.Function):
        return False
    known = item._fixtureinfo.name2fixturedefs.values()
    functions = [item.function, *(one.func for several in known for one in several)]
    return any(starts(function) for function in functions)


def starts(function: Callable[..., object]) -> bool:
    """Whether a function names a start, or returns what a start gives."""
    code = function.__code__
    named = {"control", "start"} <= {*code.co_names} or "'sandbox.start'" in str(code.co_consts)
    return named or "Running" in str(function.__annotations__.get("return"))


def forbid_sandboxes() -> None:
    """Let the start of a sandbox fail from here on, so that no test lacks its mark."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event != "subprocess.Popen" or not isinstance(arguments[1], list):
        return
    words = [str(word) for word in arguments[1]]
    served = "de_tasks.server" in words and any(word.startswith("--data") for word in words)
    if served or "sandbox.start" in words:
        raise AssertionError("This test starts a sandbox: mark it with @pytest.mark.sandbox")
