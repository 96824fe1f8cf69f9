"""Sandboxes to attack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from de_tasks.server import control
from tests.support.attacker import fortified


@pytest.fixture(scope="session")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox to attack, for all tests of a worker: they have users of their own there."""
    with fortified(tmp_path_factory.mktemp("fortress")) as running:
        yield running


@pytest.fixture(scope="module")
def lone_fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox that nobody but the tests of a module uses, so that its memory can be measured."""
    with fortified(tmp_path_factory.mktemp("lone-fortress")) as running:
        yield running


@pytest.fixture
def own_fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox of one test, which uses up something that others need."""
    with fortified(tmp_path_factory.mktemp("own-fortress")) as running:
        yield running
