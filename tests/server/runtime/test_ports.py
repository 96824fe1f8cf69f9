"""A port belongs to one process of an app, also while that process is down."""

from __future__ import annotations

import pytest

from de_tasks.server.errors import Refused
from de_tasks.server.runtime import ports
from de_tasks.server.runtime.ports import Ports


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    monkeypatch.setattr(ports, "RANGE", range(10000, 10003))
    kept = Ports()
    first, second = kept.take(2)
    assert kept.take(1) == [30003 - first - second]
    with pytest.raises(Refused, match="no free port"):
        kept.take(1)
    kept.give_back(first)
    assert kept.take(1) == [first]
