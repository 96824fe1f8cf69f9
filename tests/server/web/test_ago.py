"""Times as the pages say them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from de_tasks.server.web.ago import ago, duration

NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("2026-05-04T11:59:30+00:00", "just now"),
        ("2026-05-04T11:55:00Z", "5 min ago"),
        ("2026-05-04T09:00:00", "3 h ago"),
        ("2026-05-02T12:00:00+00:00", "2 d ago"),
        ("2026-05-04T12:00:05+00:00", "just now"),
    ],
)
def test_time_is_said_in_its_largest_unit(then: str, said: str) -> None:
    assert ago(then, NOW) == said


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2026-05-04T12:00:00.400000", "0.4 s"),
        ("2026-05-04T12:00:42", "42 s"),
        ("2026-05-04T12:02:05", "2 min 5 s"),
        ("2026-05-04T13:30:05", "1 h 30 min"),
        ("2026-05-04T11:59:59", "0.0 s"),
    ],
)
def test_duration_is_said_in_its_two_largest_units(end: str, said: str) -> None:
    assert duration("2026-05-04T12:00:00", end) == said
